from __future__ import annotations

import ast
import csv
import io
import json
import os
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin import files
from dmin.errors import DminError
from dmin.results import formats
from dmin.results.events import Event, Events, Second
from report.report_examples import answer

EVENTS = Events(
    "holiday.mp4",
    3.5,
    "starter",
    0.5,
    (Second(0.0, 0.9, "Dog", {"Dog": 0.75, "Bell": 0.25}),),
    (Event(0.0, 2.0, "Dog", 0.875), Event(2.0, 3.5, 'Bell, "big" & <loud>', 0.5)),
)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
ODD_BYTES = st.characters(categories=["Cs"], min_codepoint=0xDC80, max_codepoint=0xDCFF)
FILE_NAMES = st.text(st.characters(codec="utf-8") | ODD_BYTES)
"""As Python reads them from a folder: bytes that are not UTF-8 are surrogates."""
TIMES = st.floats(0, 1e5, allow_nan=False)


def test_json_is_the_layout_others_rely_on() -> None:
    assert json.loads(formats.to_json(EVENTS)) == {
        "video": "holiday.mp4",
        "duration_seconds": 3.5,
        "model": "starter",
        "threshold": 0.5,
        "seconds": [{"start": 0.0, "relevance": 0.9, "category": "Dog", "scores": {"Dog": 0.75, "Bell": 0.25}}],
        "events": [
            {"start": 0.0, "end": 2.0, "category": "Dog", "score": 0.875},
            {"start": 2.0, "end": 3.5, "category": 'Bell, "big" & <loud>', "score": 0.5},
        ],
    }


def test_csv() -> None:
    assert formats.to_csv(EVENTS) == (
        'start_seconds,end_seconds,category,score\n0.0,2.0,Dog,0.875\n2.0,3.5,"Bell, ""big"" & <loud>",0.5\n'
    )


def test_webvtt() -> None:
    assert formats.to_webvtt(EVENTS) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:02.000\nDog (0.88)\n\n"
        '00:00:02.000 --> 00:00:03.500\nBell, "big" &amp; &lt;loud&gt; (0.50)\n'
    )


def test_webvtt_of_hours() -> None:
    late = answer(Event(3723.4567, 36_000.0, "Dog", 1.0), seconds=1)
    assert "01:02:03.457 --> 10:00:00.000" in formats.to_webvtt(late)


def test_audacity() -> None:
    assert formats.to_audacity(EVENTS) == ('0.000000\t2.000000\tDog\n2.000000\t3.500000\tBell, "big" & <loud>\n')


def test_elan() -> None:
    assert (
        formats.to_elan(EVENTS)
        == """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" AUTHOR="dmin" \
DATE="2000-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0" \
xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
    <MEDIA_DESCRIPTOR MEDIA_URL="holiday.mp4" MIME_TYPE="video/mp4" />
  </HEADER>
  <TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0" />
    <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="2000" />
    <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="2000" />
    <TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="3500" />
  </TIME_ORDER>
  <TIER LINGUISTIC_TYPE_REF="event" TIER_ID="events">
    <ANNOTATION>
      <ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
        <ANNOTATION_VALUE>Dog</ANNOTATION_VALUE>
      </ALIGNABLE_ANNOTATION>
    </ANNOTATION>
    <ANNOTATION>
      <ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
        <ANNOTATION_VALUE>Bell, "big" &amp; &lt;loud&gt;</ANNOTATION_VALUE>
      </ALIGNABLE_ANNOTATION>
    </ANNOTATION>
  </TIER>
  <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="event" TIME_ALIGNABLE="true" />
</ANNOTATION_DOCUMENT>
"""
    )


@pytest.mark.parametrize("name", formats.FORMATS)
def test_every_format_writes_an_answer_without_events(name: str) -> None:
    suffix, to_text = formats.FORMATS[name]
    assert suffix.startswith(".")
    assert isinstance(to_text(answer()), str)


@given(st.lists(st.builds(Event, TIMES, TIMES, NAMES, st.floats(0, 1))))
def test_csv_is_read_back_by_any_csv_reader(events: list[Event]) -> None:
    rows = list(csv.DictReader(io.StringIO(formats.to_csv(Events("v", 1.0, "m", 0.5, (), tuple(events))))))
    read = [Event(float(r["start_seconds"]), float(r["end_seconds"]), r["category"], float(r["score"])) for r in rows]
    assert read == events


@given(
    st.lists(st.builds(Event, TIMES, TIMES, st.text(), st.floats(0, 1))),
    st.lists(st.builds(Second, TIMES, st.floats(0, 1), st.text(), st.dictionaries(st.text(), st.floats(0, 1)))),
    FILE_NAMES,
)
def test_json_round_trip(events: list[Event], seconds: list[Second], video: str) -> None:
    given_events = Events(video, 4.0, "m", 0.5, tuple(seconds), tuple(events))
    assert formats.from_json(formats.to_json(given_events).encode().decode()) == given_events


@given(st.text(st.characters()))
def test_elan_and_audacity_hold_any_name_on_one_line(name: str) -> None:
    events = Events(name, 4.0, "m", 0.5, (), (Event(0, 1, name, 0.5),))
    root = ElementTree.fromstring(formats.to_elan(events))
    assert len(root.findall(".//ANNOTATION_VALUE")) == 1
    assert len(formats.to_audacity(events).splitlines()) == 1
    assert len(formats.to_audacity(events).split("\t")) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("{", "not JSON (line 1: "),
        ("[]", "the file is list: must be an object"),
        ({"model": None}, "model is None: must be a text"),
        ({"threshold": "high"}, "threshold is 'high': must be a number"),
        ({"threshold": True}, "threshold is True: must be a number"),
        ({"seconds": {}}, "seconds is {}: must be a list"),
        ({"events": [{"start": 0}]}, "events[0].end is missing: give a file that `dmin localize` wrote"),
        ({"events": [3]}, "events[0] is int: must be an object"),
        (
            {"seconds": [{"start": 0, "relevance": 1, "category": "a", "scores": {"a": "b"}}]},
            "seconds[0].scores.a is 'b': must be a number",
        ),
    ],
)
def test_json_that_does_not_fit_is_refused_with_its_place(change: object, message: str) -> None:
    text = change if isinstance(change, str) else json.dumps(EVENTS.to_dict() | change)
    with pytest.raises(DminError) as caught:
        formats.from_json(text)
    assert message in str(caught.value)


def test_a_missing_key_is_named() -> None:
    data = EVENTS.to_dict()
    del data["video"]
    with pytest.raises(DminError, match="^video is missing"):
        formats.from_json(json.dumps(data))


def test_events_write_themselves_into_folders_that_are_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "a.json"
    assert EVENTS.to_json(path) == path.read_text("utf-8") == formats.to_json(EVENTS)
    EVENTS.to_csv(path.with_suffix(".csv"))
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.csv", "a.json"]


@pytest.mark.parametrize("name", formats.FORMATS)
def test_names_that_are_not_utf8_give_files_that_are(name: str, tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.\xe9")
    events = Events(odd, 4.0, odd, 0.5, (Second(0.0, 0.5, odd, {odd: 1.0}),), (Event(0, 1, odd, 0.5),))
    text = formats.write(formats.FORMATS[name][1](events), tmp_path / "a")
    assert (tmp_path / "a").read_bytes().decode() == text
    assert ("caf\\udce9" if name == "json" else "caf\N{REPLACEMENT CHARACTER}") in text


def test_what_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(DminError, match="cannot create the folder .*file"):
        formats.write("text", tmp_path / "file" / "a.json")
    with pytest.raises(DminError, match="cannot write .*: Is a directory"):
        formats.write("text", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("module", [formats, files])
def test_text_is_written_without_matplotlib(module: ModuleType) -> None:
    tree = ast.parse(Path(module.__file__ or "").read_text("utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name and ("matplotlib" in name or name.endswith("style"))}
