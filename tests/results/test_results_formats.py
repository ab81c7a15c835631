from __future__ import annotations

import ast
import csv
import io
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pympi
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from dmin import files
from dmin.errors import DminError
from dmin.results import formats
from dmin.results.events import Event, Events, Second
from dmin.results.formats.activitynet import to_activitynet
from dmin.results.formats.as_csv import to_csv
from dmin.results.formats.as_json import from_json, to_json
from dmin.results.formats.audacity import to_audacity
from dmin.results.formats.elan import to_elan
from dmin.results.formats.labelstudio import to_labelstudio
from dmin.results.formats.rttm import to_rttm
from dmin.results.formats.tsv import to_tsv
from dmin.results.formats.webvtt import to_webvtt
from dmin.results.merging import merge_seconds
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
    assert json.loads(to_json(EVENTS)) == {
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
    assert to_csv(EVENTS) == (
        'start_seconds,end_seconds,category,score\n0.0,2.0,Dog,0.875\n2.0,3.5,"Bell, ""big"" & <loud>",0.5\n'
    )


def test_webvtt() -> None:
    assert to_webvtt(EVENTS) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:02.000\nDog (0.88)\n\n"
        '00:00:02.000 --> 00:00:03.500\nBell, "big" &amp; &lt;loud&gt; (0.50)\n'
    )


def test_webvtt_of_hours() -> None:
    late = answer(Event(3723.4567, 36_000.0, "Dog", 1.0), seconds=1)
    assert "01:02:03.457 --> 10:00:00.000" in to_webvtt(late)


def test_audacity() -> None:
    assert to_audacity(EVENTS) == ('0.000000\t2.000000\tDog\n2.000000\t3.500000\tBell, "big" & <loud>\n')


def test_elan() -> None:
    assert (
        to_elan(EVENTS)
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


def test_tsv() -> None:
    assert to_tsv(EVENTS) == (
        "filename\tonset\toffset\tevent_label\n"
        "holiday.mp4\t0.000\t2.000\tDog\n"
        'holiday.mp4\t2.000\t3.500\tBell, "big" & <loud>\n'
    )


def test_rttm() -> None:
    assert to_rttm(EVENTS) == (
        "SPEAKER holiday 1 0.000 2.000 <NA> <NA> Dog 0.875 <NA>\n"
        'SPEAKER holiday 1 2.000 1.500 <NA> <NA> Bell,_"big"_&_<loud> 0.500 <NA>\n'
    )


def test_activitynet() -> None:
    assert json.loads(to_activitynet(EVENTS))["results"] == {
        "holiday": [
            {"segment": [0.0, 2.0], "label": "Dog", "score": 0.875},
            {"segment": [2.0, 3.5], "label": 'Bell, "big" & <loud>', "score": 0.5},
        ]
    }


def test_labelstudio_counts_frames_from_1_with_both_ends() -> None:
    (task,) = json.loads(to_labelstudio(replace(EVENTS, frames_per_second=30.0)))
    assert task["data"] == {"video": "holiday.mp4", "fps": 30.0}
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("starter", 0.875)
    first, second = prediction["result"]
    assert first == {
        "id": "event1",
        "from_name": "timeline",
        "to_name": "video",
        "type": "timelinelabels",
        "value": {"ranges": [{"start": 1, "end": 60}], "timelinelabels": ["Dog"]},
        "score": 0.875,
    }
    assert second["value"]["ranges"] == [{"start": 61, "end": 105}]
    with pytest.raises(DminError, match=r"the frame rate of holiday.mp4 is not known"):
        to_labelstudio(EVENTS)


THREE = [answer(), answer(Event(0.0, 2.5, "Dog", 0.9)), answer(*(Event(t, t + 1.25, f"C {t}", 0.5) for t in range(40)))]
"""Answers without an event, with one, and with many."""


@pytest.mark.parametrize("events", THREE, ids=len)
@pytest.mark.parametrize(("name", "read"), [("vtt", webvtt.from_string), ("srt", webvtt.from_srt)])
def test_another_reader_reads_subtitles(name: str, read: Callable, events: Events, tmp_path: Path) -> None:
    text = events.save(tmp_path / f"a.{name}")
    captions = read(text) if name == "vtt" else read(tmp_path / "a.srt") if events else []
    found = [(caption.start_in_seconds, caption.text) for caption in captions]
    assert found == [(int(e.start_seconds), f"{e.category} ({e.score:.2f})") for e in events]
    assert [caption.end for caption in captions] == [formats.clock(e.end_seconds) for e in events]


@pytest.mark.parametrize("events", THREE, ids=len)
def test_another_reader_reads_elan(events: Events, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    video = str(tmp_path / "clips" / "holi day.mp4")
    replace(events, video=video).save(tmp_path / "answers" / "a.eaf")
    document = pympi.Elan.Eaf(str(tmp_path / "answers" / "a.eaf"))
    found = [tuple(annotation[:3]) for annotation in document.get_annotation_data_for_tier("events")]
    assert found == [(1000 * e.start_seconds, 1000 * e.end_seconds, e.category) for e in events]
    (link,) = document.get_linked_files()
    assert link["MEDIA_URL"] == Path(video).as_uri()
    assert link["RELATIVE_MEDIA_URL"] == "./../clips/holi day.mp4"


@pytest.mark.parametrize("events", THREE, ids=len)
@pytest.mark.parametrize("name", formats.FORMATS)
def test_the_ending_of_a_file_chooses_its_format(name: str, events: Events, tmp_path: Path) -> None:
    form = formats.FORMATS[name]
    path = tmp_path / f"a{form.suffix}"
    text = replace(events, frames_per_second=25.0).save(path)
    assert path.read_text("utf-8") == text
    assert replace(events, frames_per_second=25.0).save(tmp_path / "other", format=name) == text
    assert formats.format_of(path) == form


def test_endings_and_names_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(DminError, match=r"unknown ending of files '.vt': did you mean '.vtt'"):
        EVENTS.save(tmp_path / "a.vt")
    with pytest.raises(DminError, match="unknown format 'vttt': did you mean 'vtt'"):
        EVENTS.save(tmp_path / "a.vtt", format="vttt")
    assert not list(tmp_path.iterdir())


def test_events_are_read_back_from_a_file_or_a_text(tmp_path: Path) -> None:
    events = replace(EVENTS, frames_per_second=29.97)
    text = events.to_json(tmp_path / "a.json")
    assert Events.from_json(text) == Events.from_json(tmp_path / "a.json") == events
    assert Events.from_json(str(tmp_path / "a.json")) == events
    with pytest.raises(DminError, match=r"cannot read .*b.json: No such file"):
        Events.from_json(tmp_path / "b.json")


def test_an_answer_that_an_editor_saved_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(EVENTS.to_json(), "utf-8-sig")
    assert Events.from_json(path) == EVENTS
    path.write_text(EVENTS.to_json(), "utf-16")
    with pytest.raises(DminError, match=r"a.json is not UTF-8 text \(byte 0\): save it as UTF-8"):
        Events.from_json(path)


def test_another_threshold_decides_again() -> None:
    rows = tuple(Second(float(t), r, "Dog", {"Dog": 1.0}) for t, r in enumerate([0.1, 0.45, 0.8, 0.2]))
    events = Events("dog.mp4", 4.0, "starter", 0.5, rows, merge_seconds(rows, 0.5, 4.0))
    lower = events.above(0.4)
    assert [(e.start_seconds, e.end_seconds) for e in lower] == [(1.0, 3.0)]
    assert (lower.threshold, lower.seconds) == (0.4, rows)
    assert not events.above(0.4, min_seconds=3.0)
    with pytest.raises(DminError, match="threshold is 40: must be within 0 and 1"):
        events.above(40)


def test_events_as_a_table_of_pandas() -> None:
    frame = EVENTS.to_dataframe()
    assert list(frame.columns) == ["start_seconds", "end_seconds", "category", "score"]
    assert frame.iloc[0].tolist() == [0.0, 2.0, "Dog", 0.875]


@given(st.lists(st.builds(Event, TIMES, TIMES, NAMES, st.floats(0, 1))))
def test_csv_is_read_back_by_any_csv_reader(events: list[Event]) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(Events("v", 1.0, "m", 0.5, (), tuple(events))))))
    read = [Event(float(r["start_seconds"]), float(r["end_seconds"]), r["category"], float(r["score"])) for r in rows]
    assert read == events


@given(
    st.lists(st.builds(Event, TIMES, TIMES, st.text(), st.floats(0, 1))),
    st.lists(
        st.dictionaries(st.text(), st.floats(0, 1), min_size=1).flatmap(
            lambda scores: st.builds(Second, TIMES, st.floats(0, 1), st.sampled_from(sorted(scores)), st.just(scores))
        )
    ),
    FILE_NAMES,
)
def test_json_round_trip(events: list[Event], seconds: list[Second], video: str) -> None:
    given_events = Events(video, 4.0, "m", 0.5, tuple(seconds), tuple(events))
    assert from_json(to_json(given_events).encode().decode()) == given_events


@given(st.text(st.characters()))
def test_elan_and_audacity_hold_any_name_on_one_line(name: str) -> None:
    events = Events(name, 4.0, "m", 0.5, (), (Event(0, 1, name, 0.5),))
    root = ElementTree.fromstring(to_elan(events))
    assert len(root.findall(".//ANNOTATION_VALUE")) == 1
    assert len(to_audacity(events).splitlines()) == 1
    assert len(to_audacity(events).split("\t")) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("{", "not JSON (line 1: "),
        ("[" * 100_000, "JSON that is nested too deeply: "),
        ("[]", "the file is list: must be an object"),
        ({"model": None}, "model is None: must be a text"),
        ({"threshold": "high"}, "threshold is 'high': must be a number"),
        ({"threshold": True}, "threshold is True: must be a number"),
        ({"seconds": {}}, "seconds is {}: must be a list"),
        ({"events": [{"start": 0}]}, "events[0].end is missing: give a file that `dmin localize` wrote"),
        ({"threshold": math.nan}, "threshold is nan: must be a finite number"),
        ({"duration_seconds": 10**400}, "duration_seconds is 1000000"),
        ({"duration_seconds": math.inf}, "duration_seconds is inf: must be a finite number"),
        (
            {"seconds": [{"start": 0, "relevance": 1, "category": "b", "scores": {"a": 1}}]},
            "seconds[0].category is 'b', which seconds[0].scores does not name",
        ),
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
        from_json(text)
    assert message in str(caught.value)


def test_a_missing_key_is_named() -> None:
    data = EVENTS.to_dict()
    del data["video"]
    with pytest.raises(DminError, match="^video is missing"):
        from_json(json.dumps(data))


def test_events_write_themselves_into_folders_that_are_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "a.json"
    assert EVENTS.to_json(path) == path.read_text("utf-8") == to_json(EVENTS)
    EVENTS.to_csv(path.with_suffix(".csv"))
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.csv", "a.json"]


@pytest.mark.parametrize("name", formats.FORMATS)
def test_names_that_are_not_utf8_give_files_that_are(name: str, tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.\xe9")
    events = Events(odd, 4.0, odd, 0.5, (Second(0.0, 0.5, odd, {odd: 1.0}),), (Event(0, 1, odd, 0.5),), None, 25.0)
    text = events.save(tmp_path / "a", format=name)
    assert (tmp_path / "a").read_bytes().decode() == text
    assert ("caf\\udce9" if "json" in formats.FORMATS[name].suffix else "caf\N{REPLACEMENT CHARACTER}") in text


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
