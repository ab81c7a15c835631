from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.report.page import Metric, Metrics, Picture, Player, Table, Text, page, write_page
from dmin.results.events import Event, Events, Second
from report.html_outline import Outline

EVIL = "<script>alert('\"&')</script>"


@pytest.fixture(scope="module")
def picture() -> Picture:
    return Picture.of(EVIL, Figure(figsize=(2, 1)), alt=EVIL, caption=EVIL)


@pytest.fixture(scope="module")
def everything(picture: Picture) -> str:
    sections = [
        Text(EVIL, (EVIL, "second")),
        Table(EVIL, EVIL, (EVIL, "n", "p"), [(EVIL, 3, 0.5), ("b", 12, None)]),
        picture,
        Metrics(EVIL, (Metric(EVIL, 0.91234, EVIL), Metric("clips", 24))),
    ]
    return page(EVIL, sections, EVIL)


def test_all_words_are_escaped(everything: str) -> None:
    outline = Outline(everything)
    assert outline.all("script") == []
    assert outline.words.count(EVIL) == 14  # each word once, the title twice, alt texts are attributes
    assert "second" in outline.words


def test_nothing_is_fetched(everything: str) -> None:
    outline = Outline(everything)
    links = [
        v for _, attributes in outline.tags for k, v in attributes.items() if k in {"src", "href", "srcset", "data"}
    ]
    assert len(links) == 2
    assert all(link is not None and link.startswith("data:") for link in links)
    assert not re.search(r"https?:|url\(|@import|<script|<iframe", everything)


def test_it_can_be_read_by_ear_and_by_night(everything: str) -> None:
    outline = Outline(everything)
    assert outline.all("html") == [{"lang": "en"}]
    assert len(outline.all("h1")) == 1
    assert len(outline.all("h2")) == len(outline.all("section")) == 4
    assert [image["alt"] for image in outline.all("img")] == [EVIL]
    assert len(outline.all("table")) == len(outline.all("caption")) == 1
    assert [cell["scope"] for cell in outline.all("th")] == ["col"] * 3 + ["row"] * 2
    assert "prefers-color-scheme: dark" in everything


def test_pictures_are_inside_whole(everything: str, picture: Picture) -> None:
    image = Outline(everything).all("img")[0]
    assert base64.b64decode((image["src"] or "").partition(",")[2]) == picture.png
    assert (image["width"], image["height"]) == ("280", "140")


def test_numbers() -> None:
    words = Outline(page("t", [Table("", "c", ("name", "n", "p"), [("a", 3, 0.5), ("b", 12, None)])])).words
    assert words[2:] == ["c", "name", "n", "p", "a", "3", "0.500", "b", "12", "–"]
    assert "0.912" in Outline(page("t", [Metrics("", (Metric("m", 0.91234),))])).words


def test_a_section_without_heading_has_none() -> None:
    assert Outline(page("t", [Text("", ("words",))])).all("h2") == []


@given(st.text(st.characters(exclude_categories=["Cc"])))
def test_any_text_stays_text(words: str) -> None:
    text = page(words, [Text(words, (words,)), Table(words, words, (words,), [(words,)])], words)
    outline = Outline(text.encode().decode())
    assert {tag for tag, _ in outline.tags} <= {
        *("html", "head", "meta", "link", "title", "style", "body", "main", "h1", "h2", "section", "p"),
        *("div", "table", "caption", "thead", "tbody", "tr", "th"),
    }


def test_the_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = write_page(tmp_path / "new" / "index.html", "Ünïcode 犬", [Text("a", ("b",))])
    assert path.read_text("utf-8") == page("Ünïcode 犬", [Text("a", ("b",))])
    assert [p.name for p in path.parent.iterdir()] == ["index.html"]
    with pytest.raises(DminError, match="cannot create the folder"):
        write_page(path / "inside" / "index.html", "t", [])


def test_names_that_are_not_utf8_have_replacement_characters(tmp_path: Path) -> None:
    path = write_page(tmp_path / "index.html", os.fsdecode(b"caf\xe9.mp4"), [])
    assert "<h1>caf\N{REPLACEMENT CHARACTER}.mp4</h1>" in path.read_bytes().decode()


def test_rows_must_fit_the_columns() -> None:
    with pytest.raises(DminError, match=r"row 2 has 1 cells: must have 2 \(a, b\)"):
        Table("h", "c", ("a", "b"), [(1, 2), (3,)])


def test_pictures_must_be_png_with_words() -> None:
    with pytest.raises(DminError, match="the picture 'a dog' is not PNG"):
        Picture("h", b"GIF89a", "a dog")
    with pytest.raises(DminError, match="a picture has no alt text"):
        Picture.of("h", Figure(figsize=(1, 1)), " ")


def test_a_player_has_its_video_subtitles_and_answer() -> None:
    seconds = tuple(Second(float(t), 0.9, EVIL, {EVIL: 1.0}) for t in range(3))
    event = Event(0.0, 3.0, EVIL, 0.9)
    player = Player("Watch", b"video", Events("a.mp4", 3.0, "mine", 0.5, seconds, (event,)), (event,), EVIL)
    text = page("A video", [player])
    outline = Outline(text)
    (video,), (track,) = outline.all("video"), outline.all("track")
    (answer,) = (div for div in outline.all("div") if div.get("class") == "dmin-answer")
    assert video["id"] == answer["data-player"]
    assert base64.b64decode((video["src"] or "").removeprefix("data:video/mp4;base64,")) == b"video"
    subtitles = base64.b64decode((track["src"] or "").removeprefix("data:text/vtt;base64,")).decode()
    assert subtitles.startswith("WEBVTT")
    assert "00:00:00.000 --> 00:00:03.000" in subtitles
    assert len(outline.all("script")) == 1


def test_only_a_page_that_plays_has_a_script(picture: Picture) -> None:
    assert not Outline(page("Quiet", [picture])).all("script")
