"""Labels of other tools: files of their documented shapes, with what people trip over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dmin.errors import DataError
from dmin.results.events import Event, Events
from dmin.results.formats import FORMATS
from dmin.results.formats.reading import Label, read_labels, seconds_of
from report.report_examples import answer

DOG, BELL = (0.0, 2.0, "Dog"), (2.04, 3.48, "Türglocke")
TWO = [Label("a.mp4", *DOG), Label("a.mp4", *BELL)]
UPLOADED = "/data/upload/1/0badcafe-a.mp4"
ALONE = [Label(None, *DOG), Label(None, *BELL)]


@pytest.fixture
def read(tmp_path):
    def read(name: str, content: str | bytes) -> list[Label]:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return read_labels(tmp_path / name)

    return read


@pytest.mark.parametrize(
    "text",
    [
        "video,start,end,label\na.mp4,0,2,Dog\na.mp4,2.04,3.48,Türglocke\n",
        "Start Time;End Time;File;Category;Notes\r\n0;2;a.mp4;Dog;x\r\n2,04;3,48;a.mp4;Türglocke;\r\n",
        "\ufefffilename\tonset\toffset\tevent_label\na.mp4\t0.0\t2.0\tDog\n\na.mp4\t0:02.04\t0:03.48\tTürglocke",
        'label|video|begin|stop\n"Dog"|"a.mp4"|0|00:00:02\nTürglocke|a.mp4|2.04|3.48',
    ],
)
def test_tables(read, text: str) -> None:
    assert read("a.csv", text) == TWO
    assert read("a.tsv", text.encode("utf-16")) == TWO


def test_a_table_of_one_video_needs_no_column_for_it(read) -> None:
    assert read("a.csv", "onset,offset,event\n0,2,Dog\n2.04,3.48,Türglocke\n") == ALONE


def test_audacity(read) -> None:
    text = "0.000000\t2.000000\tDog\r\n\\\t100.0\t8000.0\r\n2.040000\t3.480000\tTürglocke\r\n"
    assert read("a.txt", text) == ALONE
    assert read("b.txt", "") == []


def test_subtitles(read) -> None:
    vtt = (
        "\ufeffWEBVTT - made by hand\n\nNOTE not a cue\n\nSTYLE\n::cue {}\n\n"
        "1\n00:00.000 --> 00:02.000 align:start\n<v Anna>Dog\n\n00:00:02.040 --> 00:00:03.480\nTürglocke (0.50)\n"
    )
    srt = "1\r\n00:00:00,000 --> 00:00:02,000\r\n<i>Dog</i>\r\n\r\n2\r\n00:00:02,040 --> 00:00:03,480\r\nTürglocke\r\n"
    assert read("a.vtt", vtt) == read("a.srt", srt) == ALONE


def test_labelstudio(read) -> None:
    def task(**place: object) -> str:
        result = [
            {"type": "timelinelabels", "value": {"ranges": [{"start": first, "end": last}], "timelinelabels": [name]}}
            for first, last, name in ((1, 50, "Dog"), (52, 87, "Türglocke"))
        ]
        result.append({"type": "choices", "value": {"choices": ["good"]}})
        return json.dumps([{"data": {"video": UPLOADED, **place}, "annotations": [{"result": result}]}])

    found = [Label(UPLOADED, *DOG), Label(UPLOADED, *BELL)]
    assert read("a.json", task(fps=25)) == read("a.json", task(framesCount=250, duration=10.0)) == found
    with pytest.raises(DataError, match=r"a.json, the task of .*a.mp4 does not say its frame rate: add it"):
        read("a.json", task())


def test_via(read) -> None:
    table = (
        "# Exported using VGG Image Annotator\n"
        "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n"
        '"1_x","[""a.mp4""]",0,"[0,2]","[]","{""TEMPORAL-SEGMENTS"":""Dog""}"\n'
        '"1_y","[""a.mp4""]",0,"[2.04,3.48]","[]","{""TEMPORAL-SEGMENTS"":""Türglocke""}"\n'
        '"1_z","[""a.mp4""]",0,"[]","[2,1,1,5,5]","{""FILE"":""a box in one frame""}"\n'
    )
    project = {
        "project": {"pid": "__VIA_PROJECT_ID__", "data_format_version": "3.1.1"},
        "attribute": {"1": {"aname": "TEMPORAL-SEGMENTS", "options": {"0": "Dog"}}},
        "file": {"1": {"fid": "1", "fname": "a.mp4", "type": 4}},
        "metadata": {
            "1_x": {"vid": "1", "flg": 0, "z": [0, 2], "xy": [], "av": {"1": "0"}},
            "1_y": {"vid": "1", "flg": 0, "z": [2.04, 3.48], "xy": [], "av": {"1": "Türglocke"}},
            "1_z": {"vid": "1", "flg": 0, "z": [1.0], "xy": [2, 1, 1, 5, 5], "av": {"1": "a box in one frame"}},
        },
        "view": {"1": {"fid_list": ["1"]}},
    }
    assert read("a.csv", table) == read("a.json", json.dumps(project)) == TWO


def test_activitynet(read) -> None:
    annotations = [
        {"segment": [0, 2.0], "label": "Dog", "label_id": 3},
        {"segment": [2.04, 3.48], "label": "Türglocke"},
    ]
    database = {"version": "1", "database": {"a.mp4": {"duration": 10, "subset": "train", "annotations": annotations}}}
    assert read("a.json", json.dumps(database)) == TWO


@pytest.mark.parametrize("name", ["json", "csv", "vtt", "srt", "audacity", "eaf", "activitynet", "labelstudio", "tsv"])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_what_dmin_writes_is_read_to_the_millisecond(name: str, count: int, tmp_path: Path) -> None:
    found = [Event(t, t + 1.24, f"Glöckchen & {t}", 0.5) for t in range(count)]
    events: Events = replace(answer(*found), video=str(tmp_path / "a.mp4"), frames_per_second=25.0)
    path = tmp_path / f"a{FORMATS[name].suffix}"
    events.save(path)
    labels = read_labels(path)
    assert [label.category for label in labels] == [event.category for event in found]
    times = [(label.start_seconds, label.end_seconds) for label in labels]
    assert times == [pytest.approx((event.start_seconds, event.end_seconds), abs=5e-4) for event in found]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "video,start,label\na,0,Dog\n", r"a.csv, row 1: columns are video, start, label: none is for end"),
        ("a.csv", "start,end,label\n0,2,Dog\nx,3,Dog\n", r"a.csv, row 3: 'x' is no time: give seconds"),
        ("a.txt", "0 2 Dog\n", r"a.txt, row 1: got '0 2 Dog': must be start, end and label with tabs"),
        ("a.eaf", "<a>", r"a.eaf, which is no document of ELAN \("),
        ("a.json", "{}", r"a.json holds no labels of a tool that is known here"),
        ("a.json", '[{"annotations": [{"timelinelabels": 1}]}]', r"a.json, which is no export of Label Studio"),
        ("a.doc", "", r"a.doc is of no kind that is read here: give a file that ends in .csv, .eaf"),
        ("a.txt", b"0\t1\tT\xfcr", r"a.txt is not UTF-8 text \(.* at byte 5\): save it as UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named(read, name: str, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(name, content)


def test_times() -> None:
    assert [seconds_of(text) for text in ("0", " 1,5 ", "1:00", "01:00:00.25", "75.")] == [0, 1.5, 60, 3600.25, 75]
    for text in ("", "-1", "1:2:3:4", "1s", "nan"):
        with pytest.raises(DataError, match="is no time"):
            seconds_of(text)
