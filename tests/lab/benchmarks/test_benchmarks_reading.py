"""Published data sets become data-set folders; what their files are known to get wrong, or to be odd in, is told."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from dmin.cli.commands import run
from dmin.data.folder import DataFolder
from dmin.errors import DataError
from dmin.evaluation.seen import Seen
from dmin.features.extract import _copy_annotations
from dmin.lab.benchmarks.reading import files_of_benchmark, import_benchmark, read_benchmark

OV_HEAD = "split,cls_name,cls_type,vid_name"
OV_ROWS = (
    "train,dog & cat,close,-aaaaaaaaa1",
    "val,dog & cat,close,bbbbbbbbbb2",
    '"test","rain, heavy",open,cccccccccc3',
    'test,"rain, heavy",open,dddddddddd4',
)
OV_LABELS = {
    "-aaaaaaaaa1": {"category": "dog & cat", "label": "[1, 1, 0, 0, 0, 1, 0, 0, 0, 1]"},
    "bbbbbbbbbb2": {"category": "dog & cat", "label": "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"},
    "cccccccccc3": {"category": "rain, heavy", "label": "[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]"},
    "dddddddddd4": {"category": "rain, heavy", "label": "[0, 0, 0, 0, 0, 0, 0, 0, 0, 1]"},
}
AVEL_HEAD = "category,video_id,split"
AVEL_ROWS = ("dog barking,-aaaaaaaaa1,train", "dog barking,bbbbbbbbbb2,val", "rain,cccccccccc3,test")
AVEL_LABELS = {
    "-aaaaaaaaa1": {"label": [0, 1, 1, 0, 0, 0, 0, 0, 0, 0]},
    "bbbbbbbbbb2": {"label": [1.0] * 10},
    "cccccccccc3": {"label": [[0] * 10]},
}


def write(folder: Path, head: str, rows, labels, names=("table.csv", "labels.json")) -> list[Path]:
    folder.mkdir(exist_ok=True)
    files = [folder / name for name in names]
    files[0].write_text("\ufeff" + "\r\n".join([head, *rows]) + "\r\n", "utf-8")
    files[1].write_text(json.dumps(labels))
    return files


@pytest.fixture
def ov(tmp_path):
    def ov(rows=OV_ROWS, labels=OV_LABELS) -> list[Path]:
        return write(tmp_path / "ov", OV_HEAD, rows, labels)

    return ov


@pytest.fixture
def avel(tmp_path):
    def avel(rows=AVEL_ROWS, labels=AVEL_LABELS) -> list[Path]:
        return write(tmp_path / "avel", AVEL_HEAD, rows, labels)

    return avel


@pytest.fixture
def videos(tmp_path):
    def videos(*names: str) -> Path:
        folder = tmp_path / "videos" / "below"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_bytes(name.encode())
        return tmp_path / "videos"

    return videos


def lines(folder: Path) -> list[str]:
    return (folder / "Annotations.txt").read_text().splitlines()


def test_ov_avebench_becomes_a_folder_with_its_own_splits(ov, tmp_path):
    report = import_benchmark(ov(), None, tmp_path / "out")
    assert lines(tmp_path / "out") == [
        "dog and cat&-aaaaaaaaa1&good&0&2",
        "dog and cat&-aaaaaaaaa1&good&5&6",
        "dog and cat&-aaaaaaaaa1&good&9&10",
        "dog and cat&bbbbbbbbbb2&good&0&10",
        "rain, heavy&cccccccccc3&good&0&0",  # a category without an event
        "rain, heavy&dddddddddd4&good&9&10",
    ]
    data = DataFolder.open(tmp_path / "out")
    assert dict(data.splits) == {
        "train": ("-aaaaaaaaa1",),
        "val": ("bbbbbbbbbb2",),
        "test": ("cccccccccc3", "dddddddddd4"),
    }
    assert Seen.of(data, data.categories) == Seen(frozenset({0}), "seen.txt")
    assert report.counts["rain, heavy"] == {"train": 0, "val": 0, "test": 1}
    assert report.counts["Background"] == {"train": 0, "val": 0, "test": 1}
    assert report.notes == ("1 seen categories (close) and 1 unseen ones (open)",)


def changed(video_id: str, **entry) -> dict:
    return OV_LABELS | {video_id: OV_LABELS[video_id] | entry}


@pytest.mark.parametrize(
    ("rows", "labels", "words"),
    [
        ((*OV_ROWS, OV_ROWS[0]), OV_LABELS, r"row 6: -aaaaaaaaa1 stands in .*row 2, too"),
        (("train,rain,open,-aaaaaaaaa1",), OV_LABELS, "row 2: rain is open, so training must not have it"),
        (("train,dog & cat,closed,-aaaaaaaaa1",), OV_LABELS, "unknown cls_type 'closed': did you mean 'close'"),
        (("training,dog & cat,close,-aaaaaaaaa1",), OV_LABELS, "unknown split 'training': did you mean 'train'"),
        (("train,dog & cat,close,#NAME?",), OV_LABELS, "got '#NAME[?]', must be an id of eleven .* spreadsheet"),
        (("train,dog & cat,close,aaaaaaaaaa1",), OV_LABELS, "no label of aaaaaaaaaa1"),
        (("train,,close,-aaaaaaaaa1",), OV_LABELS, "row 2: cls_name is empty"),
        ((*OV_ROWS[:2], "test,dog & cat,open,dddddddddd4"), OV_LABELS, "dog and cat is open here and close before"),
        (OV_ROWS, changed("dddddddddd4", category="dog"), "dddddddddd4 is of rain, heavy here and of dog in"),
        (OV_ROWS, changed("dddddddddd4", label="[0, 1]"), r"dddddddddd4: got the label '\[0, 1\]', must be 10 times"),
        (OV_ROWS, changed("dddddddddd4", label=str([2] * 10)), "must be 10 times 0 or 1"),
        (OV_ROWS, changed("dddddddddd4", label="none"), "got the label 'none'"),
        (OV_ROWS, [OV_LABELS], "holds no labels by id"),
        ((), OV_LABELS, "no row below its header"),
    ],
)
def test_what_ov_avebench_must_not_have(ov, rows, labels, words):
    with pytest.raises(DataError, match=words):
        read_benchmark(ov(rows, labels))


def test_labels_without_a_row_are_noted(ov):
    assert read_benchmark(ov(rows=OV_ROWS[:2])).notes[1] == (
        "2 clips have labels and no row in table.csv, and are left out"
    )


@pytest.mark.parametrize("form", [AVEL_LABELS, [{name: entry} for name, entry in AVEL_LABELS.items()]])
def test_vggsound_avel_in_both_of_its_forms(avel, form, tmp_path):
    import_benchmark(avel(labels=form), None, tmp_path / "out")
    assert lines(tmp_path / "out") == [
        "dog barking&-aaaaaaaaa1&good&1&3",
        "dog barking&bbbbbbbbbb2&good&0&10",
        "rain&cccccccccc3&good&0&0",
    ]
    assert not (tmp_path / "out" / "seen.txt").exists()  # the training split tells


def test_categories_of_vggsound_avel_are_compared_with_their_list(avel, tmp_path):
    names = tmp_path / "categories.txt"
    names.write_text("rain\ndog barking\n")
    assert len(read_benchmark([*avel(), names]).clips) == 3
    names.write_text("rain\ndog barkin\n")
    with pytest.raises(DataError, match=r"row 2: unknown category 'dog barking': did you mean 'dog barkin'"):
        read_benchmark([*avel(), names])


def test_a_text_that_is_not_the_list_of_categories_is_named(avel):
    table, labels = avel()
    (table.parent / "a_readme.txt").write_text("hello\n")
    with pytest.raises(DataError, match=r"a_readme.txt was taken as the list of categories: if it is none, name the o"):
        read_benchmark(files_of_benchmark([table.parent]))
    (table.parent / "c.txt").write_text("rain\ndog barking\n")
    with pytest.raises(DataError, match=r"one list of categories \(text\), got 2: a_readme.txt, c.txt: name the files"):
        read_benchmark(files_of_benchmark([table.parent]))
    assert len(read_benchmark([table, labels]).clips) == 3


@pytest.mark.parametrize("name", ["Background", "background"])
def test_a_category_that_means_no_event_is_refused(ov, avel, name):
    with pytest.raises(DataError, match=rf"row 3: got the category '{name}', which means no event to dmin: give"):
        read_benchmark(avel(rows=(AVEL_ROWS[0], f"{name},bbbbbbbbbb2,val")))
    with pytest.raises(DataError, match=rf"row 2: got the category '{name}', which means no event"):
        read_benchmark(ov(rows=(f"train,{name},close,-aaaaaaaaa1",)))


@pytest.mark.parametrize(
    "row", ['"dog barking,-aaaaaaaaa1,train', '"dog\nbarking",-aaaaaaaaa1,train', '"dog" b,a,train']
)
def test_quotes_that_stray_or_hold_several_lines_are_refused(avel, row):
    with pytest.raises(DataError, match=r"row 2: got '\"dog.*, whose quotation marks do not go in pairs around fields"):
        read_benchmark(avel(rows=(row, *AVEL_ROWS[1:])))


def test_labels_nested_without_end(ov, avel):
    table, labels = avel()
    labels.write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"labels.json is no JSON that can be read \(maximum recursion depth"):
        read_benchmark([table, labels])
    with pytest.raises(DataError, match=r"dddddddddd4: got the label '\[{79}, must be 10 times 0 or 1"):
        read_benchmark(ov(labels=changed("dddddddddd4", label="[" * 100_000)))


def test_two_labels_of_one_id(ov, avel):
    for table, labels in (ov(), avel()):
        again = json.loads(labels.read_text())["bbbbbbbbbb2"]
        text = labels.read_text().rstrip("}") + '}, "bbbbbbbbbb2": '
        labels.write_text(f"{text}{json.dumps(again)}}}")
        assert read_benchmark([table, labels]).clips
        again["label"] = [0] * 10
        labels.write_text(f"{text}{json.dumps(again)}}}")
        with pytest.raises(DataError, match=r"labels.json has two labels of bbbbbbbbbb2: get the file again"):
            read_benchmark([table, labels])


@pytest.mark.parametrize(
    ("head", "encoding"), [(AVEL_HEAD.replace(",", ";"), "utf-8"), (AVEL_HEAD, "utf-16"), (f"{AVEL_HEAD},x", "utf-8")]
)
def test_a_table_of_another_form_is_told_the_right_header(avel, head, encoding, capsys):
    table, labels = avel()
    table.write_text(f"{head}\nrain,cccccccccc3,test\n", encoding)
    for paths in ([table.parent], [table, labels]):
        assert run(["data", "check", *map(str, paths)]) == 1
        said = capsys.readouterr().err
        assert "table.csv, without the table of a known data set: give a CSV file in UTF-8 whose first line is" in (
            said.replace("labels.json, table", "table").replace("table.csv, labels.json", "table.csv")
        )
    assert "split,cls_name,cls_type,vid_name or category,video_id,split; or, of AVE, the folder with its Anno" in said
    (table.parent / "Annotations.txt").write_text("Bell&clip&good&0&10\n")  # of AVE, with a table beside it
    run(["data", "check", str(table.parent)])
    assert "known data set" not in capsys.readouterr().err


def test_labels_of_vggsound_avel_that_contradict_each_other(avel):
    twice = [{"-aaaaaaaaa1": {"label": [0] * 10}}, {"-aaaaaaaaa1": {"label": [1] * 10}}]
    with pytest.raises(DataError, match="two labels of -aaaaaaaaa1"):
        read_benchmark(avel(labels=twice))
    with pytest.raises(DataError, match="neither labels by id nor a list"):
        read_benchmark(avel(labels=[{"a": 1, "b": 2}]))


@pytest.mark.parametrize(("name", "words"), [("labels.zip", "is a zip archive"), ("labels.pkl", "is a pickle")])
def test_pickles_are_refused(avel, name, words):
    table, labels = avel()
    path = labels.with_name(name)
    if name.endswith("zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.pkl", b"\x80\x04.")
    else:
        path.write_bytes(b"\x80\x04.")
    with pytest.raises(DataError, match=f"{words}: labels in pickles are not read"):
        read_benchmark([table, path])


def test_of_two_cuts_the_later_one_is_meant(avel, videos, tmp_path):
    folder = videos(
        "-aaaaaaaaa1_000030.mp4", "-aaaaaaaaa1_000100.mp4", "bbbbbbbbbb2_5_15.webm", "cccccccccc3.mp4",
        "cccccccccc3_000100.mp4", "eeeeeeeeee5_1.mp4",
    )  # fmt: skip
    report = import_benchmark(avel(), folder, tmp_path / "out")
    linked = {path.name: path.resolve().name for path in (tmp_path / "out" / "videos").iterdir()}
    assert linked == {
        "-aaaaaaaaa1.mp4": "-aaaaaaaaa1_000100.mp4",
        "bbbbbbbbbb2.webm": "bbbbbbbbbb2_5_15.webm",
        "cccccccccc3.mp4": "cccccccccc3.mp4",
    }
    assert report.notes[1:] == (
        "1 clips have several videos from one recording (-aaaaaaaaa1 is one): the later one is taken",
    )
    assert DataFolder.open(tmp_path / "out").missing_videos() == ()


def test_where_nothing_is_known_of_two_cuts_both_are_left_out(ov, videos, tmp_path):
    folder = videos("-aaaaaaaaa1_000030.mp4", "-aaaaaaaaa1_000100.mp4", "dddddddddd4.mp4")
    report = import_benchmark(ov(), folder, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out" / "videos").iterdir()] == ["dddddddddd4.mp4"]
    assert lines(tmp_path / "out") == ["rain, heavy&dddddddddd4&good&9&10"]
    assert "both are left out" in report.notes[1]
    assert report.notes[2].startswith("3 of 4 clips have no video in ")


def test_seen_categories_are_the_releases_own_wherever_its_videos_are(ov, videos, tmp_path):
    import_benchmark(ov(), videos("dddddddddd4.mp4"), tmp_path / "out")
    (tmp_path / "store").mkdir()
    _copy_annotations(tmp_path / "out", tmp_path / "store")
    shutil.rmtree(tmp_path / "out")
    assert (tmp_path / "store" / "seen.txt").read_text() == "dog and cat\n"  # of which no clip is here
    assert Seen.of(DataFolder.open(tmp_path / "store"), ("rain, heavy",)) == Seen(frozenset(), "seen.txt")


def test_videos_of_other_clips_are_refused(ov, videos, tmp_path):
    with pytest.raises(DataError, match=r"none of the 1 videos .* is of one of the 4 clips of OV-AVEBench"):
        import_benchmark(ov(), videos("other.mp4"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_that_do_not_belong_together(ov, tmp_path):
    table, labels = ov()
    with pytest.raises(DataError, match=r"OV-AVEBench needs one file of labels \(JSON\), got 0: name"):
        read_benchmark([table])
    more = labels.with_name("more.json")
    more.write_text("{}")
    with pytest.raises(DataError, match=r"got 2: labels.json, more.json: name the files that belong together"):
        read_benchmark([table, labels, more])
    assert files_of_benchmark([table.parent]) == [labels, more, table]
    assert files_of_benchmark([labels]) == []


def test_import_and_check_by_command(ov, videos, tmp_path, capsys):
    files = [str(file) for file in ov()]
    assert run(["data", "check", *files]) == 0
    said = capsys.readouterr().out
    assert "What is there agrees." in said
    assert "60.00 %" in said  # background in training: 6 of 10 seconds
    assert run(["data", "check", str(tmp_path / "ov")]) == 0
    out = str(tmp_path / "out")
    assert run(["data", "import", *files, "--out", out, "--seed", "3"]) == 2
    assert "have splits of their own" in capsys.readouterr().err
    assert run(["data", "import", *files, "--videos", str(videos("-aaaaaaaaa1.mp4")), "--out", out]) == 0
    assert "- 3 of 4 clips have no video" in capsys.readouterr().out
    Path(files[1]).write_text("[")
    assert run(["data", "check", *files]) == 1
    assert "labels.json is no JSON" in capsys.readouterr().err


def test_excerpts_of_the_real_files(shared, tmp_path):
    files = [shared / "datasets" / name for name in ("ovave_meta_excerpt.csv", "ovave_anno_excerpt.json")]
    if not all(file.is_file() for file in files):
        pytest.skip("the excerpts of OV-AVEBench are not here")
    benchmark = read_benchmark(files)
    import_benchmark(files, None, tmp_path / "out")
    data = DataFolder.open(tmp_path / "out")
    assert len(benchmark.clips) == len(data.lines)
    assert any(clip.video_id.startswith("-") for clip in benchmark.clips)
    for video_id, entry in json.loads(files[1].read_text()).items():
        events = data.labels(video_id, 10) == data.categories.index(entry["category"])
        assert events.astype(int).tolist() == json.loads(entry["label"])
