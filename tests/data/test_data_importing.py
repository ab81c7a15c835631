"""Data-set folders made of labels from other tools."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.cli.commands import run
from dmin.data.folder import DataFolder
from dmin.data.importing import ImportOptions, deal_groups, import_labels
from dmin.errors import DataError
from dmin.results.events import Event
from report.report_examples import answer

HEADER = "video,start,end,label\n"


@pytest.fixture
def videos(tmp_path) -> Path:
    (tmp_path / "videos" / "more").mkdir(parents=True)
    for number in range(10):
        (tmp_path / "videos" / ("more" if number % 2 else ".") / f"clip {number}.mp4").write_bytes(b"")
    return tmp_path / "videos"


@pytest.fixture
def table(tmp_path):
    def table(*rows: str) -> Path:
        path = tmp_path / "labels.csv"
        path.write_text(HEADER + "".join(f"{row}\n" for row in rows), "utf-8")
        return path

    return table


def lines(folder: Path) -> list[tuple[str, str, float, float]]:
    read = DataFolder.open(folder).annotations
    return [(line.video_id, line.category, line.start_seconds, line.end_seconds) for line in read]


def test_folder_that_extract_takes(videos, table, tmp_path) -> None:
    rows = [f"clip {number}.mp4,1,{number + 2},{'Dog' if number % 3 else 'Bell'}" for number in range(10)]
    report = import_labels([table(*rows)], videos, tmp_path / "data")
    folder = DataFolder.open(tmp_path / "data")
    assert {split: len(folder.split(split)) for split in folder.splits} == {"train": 6, "val": 2, "test": 2}
    assert report.counts["Dog"] == {"train": 4, "val": 1, "test": 1}
    assert report.counts["Bell"] == {"train": 2, "val": 1, "test": 1}
    assert report.notes == ()
    assert lines(tmp_path / "data")[4] == ("clip 4", "Dog", 1.0, 6.0)
    assert (tmp_path / "data" / "videos" / "clip 3.mp4").resolve() == videos / "more" / "clip 3.mp4"


def test_names_of_videos_in_other_tools(videos, table, tmp_path) -> None:
    names = [
        "clip 0",
        "/elsewhere/clip 1.mov",
        "file:///clip%202.mp4",
        "/data/upload/1/0badcafe-clip 3.mp4",
        "C:\\v\\clip 4.mp4",
    ]
    import_labels([table(*(f"{name},0,1,Dog" for name in names))], videos, tmp_path / "data")
    assert [line[0] for line in lines(tmp_path / "data")] == [f"clip {number}" for number in range(5)]


def test_files_of_one_video_each_and_one_without_labels(videos, tmp_path) -> None:
    for number in range(3):
        found = [Event(1.0, 2.5, "Dog", 0.9)] * (number < 2)
        answer(*found, video=f"elsewhere/{number}.mp4").save(tmp_path / f"clip {number}.txt")
    report = import_labels([tmp_path / f"clip {number}.txt" for number in range(3)], videos, tmp_path / "data")
    assert lines(tmp_path / "data") == [
        ("clip 0", "Dog", 1.0, 2.5),
        ("clip 1", "Dog", 1.0, 2.5),
        ("clip 2", "Background", 0.0, 0.0),
    ]
    assert sum(report.counts["Background"].values()) == 1
    assert "7 of 10 videos have no file of labels, and were left out" in report.notes


def test_what_was_left_out_is_told(videos, table, tmp_path) -> None:
    rows = [
        "clip 0,0,1,Dog & cat",
        "clip 0,1,2,",
        "clip 0,3,3,Dog",
        "clip 1,0,1,Background",
        "gone,0,1,Dog",
        "gone,1,2,Dog",
    ]
    report = import_labels([table(*rows)], videos, tmp_path / "data")
    assert lines(tmp_path / "data") == [("clip 0", "Dog and cat", 0.0, 1.0), ("clip 1", "Background", 0.0, 0.0)]
    assert report.notes[:3] == (
        "labels without words, left out: 1",
        "labels that end where they start, or before, left out: 1",
        "labels of videos that are not there, left out (first video: gone): 2",
    )
    assert report.notes[-1].startswith("too few videos, or groups of --group-by, to be in every split: Dog and cat")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("first", [("Dog", 0.0, 4.0), ("Bell", 4.0, 9.0), ("Dog", 9.0, 9.5)]),
        ("longest", [("Dog", 0.0, 3.0), ("Bell", 3.0, 9.0), ("Dog", 9.0, 9.5)]),
    ],
)
def test_overlaps(videos, table, tmp_path, rule, expected) -> None:
    path = table("clip 0,0,4,Dog", "clip 0,3,9,Bell", "clip 0,8,9.5,Dog", "clip 0,5,6,Rain")
    report = import_labels([path], videos, tmp_path / "data", ImportOptions(on_overlap=rule))
    assert [line[1:] for line in lines(tmp_path / "data")] == expected
    assert f"events cut where they overlap another category's, the {rule} one kept whole: 3" == report.notes[0]
    with pytest.raises(DataError, match="clip 0: Bell from 3 to 9 s overlaps an event of another category: give --on-"):
        import_labels([path], videos, tmp_path / "other", ImportOptions(on_overlap="error"))
    assert not (tmp_path / "other").exists()


VIDEOS = st.dictionaries(
    st.from_regex(r"[a-d][0-9]{1,2}", fullmatch=True),
    st.sets(st.sampled_from("XYZ"), max_size=2),
    min_size=1,
    max_size=60,
)


@given(VIDEOS, st.booleans(), st.integers(0, 3))
def test_groups_stay_together_and_categories_are_everywhere_if_possible(videos, grouped, seed) -> None:
    splits = deal_groups(videos, ImportOptions(group_by="^." if grouped else None, seed=seed))
    assert sorted(i for ids in splits.values() for i in ids) == sorted(videos)
    group_of = {video_id: video_id[0] if grouped else video_id for video_id in videos}
    places = {(group_of[i], split) for split, ids in splits.items() for i in ids}
    assert len(places) == len({group for group, _ in places})
    if grouped or any(len(names) > 1 for names in videos.values()):
        return  # a group of several categories may be the only one that several splits lack
    counts = Counter(next(iter(names), "none") for names in videos.values())
    for category, count in counts.items():
        held = sum(any(next(iter(videos[i]), "none") == category for i in ids) for ids in splits.values())
        assert held == min(3, count)


def test_shares_and_groups_by_a_part_of_the_name() -> None:
    many = {f"{number:02d}": {"X"} for number in range(100)}
    assert [len(ids) for ids in deal_groups(many, ImportOptions()).values()] == [70, 15, 15]
    groups = {f"{group}_{number}": {"X"} for group in "abcdef" for number in range(3)}
    for ids in deal_groups(groups, ImportOptions(group_by="^(.)_")).values():
        assert all(len([i for i in ids if i[0] == video_id[0]]) == 3 for video_id in ids)


def test_the_command(videos, table, tmp_path, capsys) -> None:
    path = table(*(f"clip {number},0,3,Dog" for number in range(9)))
    words = ["data", "import", str(path), "--videos", str(videos), "--out", str(tmp_path / "data")]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert "Dog" in out
    assert out.endswith(f"next: dmin extract {tmp_path / 'data'} --out STORE\n")
    assert run(words) == 1
    assert "is not empty: choose a new folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("import labels.csv", "--videos and --out must be given"),
        ("import labels.csv --videos . --out d --group-by (", "group_by is '(', no regular expression"),
        ("import labels.csv --videos . --out d --split-shares [1,1,1]", "split_shares are [1.0, 1.0, 1.0]: must be"),
        ("import labels.csv --videos . --out d --on-overlap last", "--on-overlap is 'last': must be first, longest or"),
        ("import labels.csv --videos . --out d --split-shares 3", "--split-shares is '3': must be three numbers, as ["),
        (
            "import labels.csv --videos . --out labels.csv",
            "--out is labels.csv, and labels.csv is a file: give a folder",
        ),
        ("check a b", "got 2 folders: give one at a time"),
        ("check a --json q.json", "--json goes with stats: leave it out of check"),
        ("stats a --seed 0", "--seed goes with import: leave it out of stats"),
        ("stats a --out q", "--out goes with import and get: leave it out of stats"),
        ("import labels.csv --from a/b", "--from goes with get: leave it out of import"),
        ("get ave --out d --videos nowhere", "--videos goes with import: leave it out of get"),
    ],
)
def test_usage_errors(table, tmp_path, monkeypatch, capsys, words, message) -> None:
    table("a,0,1,Dog")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").touch()
    assert run(["data", *words.split()]) == 2
    assert message in capsys.readouterr().err


def test_links_to_a_video_are_that_video(videos, table, tmp_path) -> None:
    for name in ("first", "second"):
        import_labels([table("clip 0,0,1,Dog")], tmp_path, tmp_path / name)
    assert lines(tmp_path / "second") == [("clip 0", "Dog", 0.0, 1.0)]


def test_a_name_that_annotations_cannot_hold_is_refused_before_anything_is_made(videos, table, tmp_path) -> None:
    (videos / "a&b.mp4").write_bytes(b"")
    with pytest.raises(DataError, match="the name of the video 'a&b' holds &"):
        import_labels([table("a&b,0,1,Dog")], videos, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_no_label_fits(videos, table, tmp_path) -> None:
    with pytest.raises(DataError, match="no label is of one of the 10 videos, e.g. 'a': name videos as their files"):
        import_labels([table("a,0,1,Dog")], videos, tmp_path / "data")
