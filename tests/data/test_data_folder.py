from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.data.folder import (
    Annotation,
    DataFolder,
    categories,
    read_annotations,
    read_split,
    segment_labels,
    write_annotations,
    write_split,
)
from dmin.errors import DataError


def event(category: str, start: float, end: float, video_id: str = "a") -> Annotation:
    return Annotation(category, video_id, "good", start, end)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


class TestAnnotations:
    @pytest.mark.parametrize(
        "text",
        [
            "Dog&a&good&0&3\nCat&b&good&1.5&2\n",
            "Category&VideoID&Quality&StartTime&EndTime\nDog&a&good&0&3\nCat&b&good&1.5&2",
            "\ufeffDog&a&good&0&3\r\n\r\n  \r\nCat & b & good & 1.5 & 2\r\n",
        ],
    )
    def test_reads_headers_blank_lines_marks_and_line_ends(self, tmp_path: Path, text: str) -> None:
        path = write(tmp_path / "Annotations.txt", text)
        assert read_annotations(path) == [event("Dog", 0, 3), event("Cat", 1.5, 2, "b")]

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("Dog&a&good&0", "row 2: got 'Dog&a&good&0', 4 fields instead of 5: write category&video id"),
            ("R&B&a&good&0&3", "6 fields instead of 5"),
            ("Dog", "1 field instead of 5"),
            ("Dog&&good&0&3", "without a video id"),
            ("&a&good&0&3", "without a category"),
            ("Dog&a&good&zero&3", "start or end is not a number: write seconds, e.g. 3 or 3.5"),
            ("Dog&a&good&5&3", "start 5 and end 3: must be seconds with 0 <= start <= end"),
            ("Dog&a&good&-1&3", "start -1 and end 3"),
            ("Dog&a&good&0&nan", "start 0 and end nan"),
            ("Dog&a&good&0&inf", "start 0 and end inf"),
        ],
    )
    def test_says_which_row_is_wrong_and_why(self, tmp_path: Path, line: str, message: str) -> None:
        path = write(tmp_path / "Annotations.txt", f"Dog&b&good&0&3\n{line}\n")
        with pytest.raises(DataError, match=re.escape(message)) as caught:
            read_annotations(path)
        assert str(path) in str(caught.value)

    def test_refuses_empty_missing_and_foreign_files(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="has no annotation: write one event per line"):
            read_annotations(write(tmp_path / "empty.txt", "\n \n"))
        with pytest.raises(DataError, match=r"cannot read .*No such file"):
            read_annotations(tmp_path / "none.txt")
        (tmp_path / "utf16.txt").write_bytes("Dog&a&good&0&3".encode("utf-16"))
        with pytest.raises(DataError, match="is UTF-16 text: save it as UTF-8"):
            read_annotations(tmp_path / "utf16.txt")

    @pytest.mark.parametrize("twins", [("Dog", "dog"), ("Race car", "Racecar"), ("Background", "background")])
    def test_warns_of_categories_spelt_in_two_ways(self, tmp_path: Path, twins: tuple[str, str]) -> None:
        path = write(tmp_path / "Annotations.txt", f"{twins[0]}&a&good&0&0\n{twins[1]}&b&good&0&0\n")
        with pytest.warns(UserWarning, match="count as two categories; if they are one, spell them alike"):
            read_annotations(path)

    words = st.text(st.characters(blacklist_characters="&", blacklist_categories=["C", "Z"]), min_size=1)

    @given(
        lines=st.lists(st.builds(event, words, st.integers(0, 5), st.floats(5, 1e4).map(lambda x: round(x, 3)), words))
    )
    def test_round_trip(self, lines: list[Annotation], tmp_path_factory: pytest.TempPathFactory) -> None:
        path = tmp_path_factory.mktemp("ave") / "Annotations.txt"
        write_annotations(path, [event("first", 0, 0), *lines])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert read_annotations(path)[1:] == lines

    @pytest.mark.parametrize("name", ["a&b", "", "a\nb", " a"])
    def test_refuses_to_write_what_it_could_not_read(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(DataError):
            write_annotations(tmp_path / "Annotations.txt", [event("Dog", 0, 1, name)])
        assert not list(tmp_path.iterdir())

    def test_whole_seconds_are_written_as_in_the_released_file(self, tmp_path: Path) -> None:
        write_annotations(tmp_path / "Annotations.txt", iter([event("Dog", 0.0, 10.0), event("Dog", 0.25, 3.5)]))
        assert (tmp_path / "Annotations.txt").read_text() == "Dog&a&good&0&10\nDog&a&good&0.25&3.5\n"

    def test_reads_the_released_file(self, shared: Path) -> None:
        h5py = pytest.importorskip("h5py")
        lines = read_annotations(shared / "ave" / "Annotations.txt")
        names = categories(lines)
        assert (len(lines), len(names), names[0], names[-1]) == (4143, 28, "Church bell", "Mandolin")
        assert len({line.video_id for line in lines}) == 4097  # 45 ids twice or more
        with h5py.File(shared / "ave" / "labels_closs.h5") as file:
            truth = next(iter(file.values()))[:]  # 1 where a second is event [4143, 10]
        ours = np.stack([segment_labels([line], names, 10) for line in lines])
        np.testing.assert_array_equal(ours != 28, truth.astype(bool))


class TestSegmentLabels:
    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ([event("Dog", 1, 3)], [2, 1, 1, 2]),
            ([event("Dog", 0, 0)], [2, 2, 2, 2]),
            ([event("Background", 0, 4)], [2, 2, 2, 2]),
            ([], [2, 2, 2, 2]),
            ([event("Dog", 0.5, 2.4)], [1, 1, 2, 2]),
            ([event("Dog", 0.6, 2.5)], [2, 1, 1, 2]),
            ([event("Dog", 3.2, 3.7)], [2, 2, 2, 1]),  # floats: 0.4999... is half a second
            ([event("Dog", 0, 99)], [1, 1, 1, 1]),
            ([event("Dog", 7, 9)], [2, 2, 2, 2]),  # beyond the end
            ([event("Dog", 0, 2), event("Cat", 1, 3)], [1, 1, 0, 2]),  # a tie goes to the first line
            ([event("Cat", 1, 3), event("Dog", 0, 2)], [1, 0, 0, 2]),
            ([event("Dog", 0, 1.6), event("Cat", 1, 2)], [1, 0, 2, 2]),  # more of the second wins
            ([event("Dog", 0, 0.3), event("Dog", 0.6, 1)], [1, 2, 2, 2]),  # 0.7 of a second in two pieces
            ([event("Dog", 0, 0.4), event("Dog", 0.1, 0.45)], [2, 2, 2, 2]),  # overlap counts once
            ([event("Dog", 0, 0.45), event("Cat", 0.5, 0.95)], [2, 2, 2, 2]),  # neither has half
        ],
    )
    def test_known_answers(self, lines: list[Annotation], expected: list[int]) -> None:
        labels = segment_labels(lines, ("Cat", "Dog"), 4)
        assert labels.dtype == np.int64
        assert labels.tolist() == expected

    @given(start=st.integers(0, 12), length=st.integers(0, 12), segments=st.integers(0, 12))
    def test_whole_seconds_are_half_open(self, start: int, length: int, segments: int) -> None:
        labels = segment_labels([event("Dog", start, start + length)], ("Dog",), segments)
        assert labels.tolist() == [0 if start <= t < start + length else 1 for t in range(segments)]

    def test_names_the_nearest_category(self) -> None:
        with pytest.raises(DataError, match="clip a: unknown category 'Dgo': did you mean 'Dog'"):
            segment_labels([event("Dgo", 0, 1)], ("Cat", "Dog"), 4)


class TestSplits:
    def test_ids_or_whole_lines(self, tmp_path: Path) -> None:
        assert read_split(write(tmp_path / "a.txt", "\ufeffb\r\n\r\na b\r\nb\r\n")) == ["b", "a b"]
        lines = "Category&VideoID&Quality&StartTime&EndTime\nDog&x&good&0&3\nCat&x&good&0&3\nCat&-y&good&0&3\n"
        assert read_split(write(tmp_path / "b.txt", lines)) == ["x", "-y"]

    def test_round_trip(self, tmp_path: Path) -> None:
        write_split(tmp_path / "train.txt", ["b", "a"])
        assert read_split(tmp_path / "train.txt") == ["b", "a"]

    def test_empty(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="is empty: write one video id a line, or remove the file"):
            read_split(write(tmp_path / "train.txt", "\n"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "Annotations.txt", "Dog&a&good&0&3\nCat&b&good&1&2\nDog&b&good&4&5\nBackground&c&good&0&0\n")
    for name, video_id in {"train": "a", "val": "b", "test": "c"}.items():
        write(tmp_path / "splits" / f"{name}.txt", f"{video_id}\n")
        write(tmp_path / "videos" / f"{video_id}.MP4", "")
    write(tmp_path / "videos" / "notes.txt", "")
    return tmp_path


class TestDataFolder:
    def test_open(self, folder: Path) -> None:
        data = DataFolder.open(str(folder))
        assert data.categories == ("Dog", "Cat")
        assert data.splits == {"train": ("a",), "val": ("b",), "test": ("c",)}
        assert data.videos["a"] == folder / "videos" / "a.MP4"
        assert sorted(data.videos) == ["a", "b", "c"]
        assert data.labels("b", 6).tolist() == [2, 1, 2, 2, 0, 2]
        data.require_videos()

    def test_no_annotations(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"no Annotations\.txt in .*: a data set is a folder with"):
            DataFolder.open(tmp_path)

    def test_id_without_annotation(self, folder: Path) -> None:
        write(folder / "splits" / "val.txt", "b\nd\ne\nf\ng\n")
        with pytest.raises(DataError, match=r"d, e, f and 1 more in .*val\.txt without a line in Annotations\.txt"):
            DataFolder.open(folder)
        with pytest.raises(DataError, match="no annotation of 'z' in"):
            DataFolder.open(write(folder / "splits" / "val.txt", "b").parents[1]).labels("z", 3)

    def test_id_without_video(self, folder: Path) -> None:
        (folder / "videos" / "b.MP4").unlink()
        data = DataFolder.open(folder)
        assert data.missing_videos() == ("b",)
        with pytest.raises(DataError, match=r"b in .*splits without a video in .*videos: add <video id>.mp4"):
            data.require_videos()

    def test_id_in_two_splits(self, folder: Path) -> None:
        write(folder / "splits" / "val.txt", "b\na\n")
        with pytest.raises(DataError, match=r"'a' \(train and val\) in two splits: keep each clip in one"):
            DataFolder.open(folder)

    def test_ave_tears_clips_with_two_categories_apart(self, folder: Path) -> None:
        write(folder / "splits" / "train.txt", "Cat&b&good&1&2\n")
        write(folder / "splits" / "val.txt", "Dog&b&good&4&5\n")
        write(folder / "splits" / "test.txt", "Dog&a&good&0&3\n")
        with pytest.warns(UserWarning, match=r"'b' \(train and val\) in two splits, as AVE has it"):
            assert DataFolder.open(folder).split("val") == ("b",)

    def test_a_test_split_alone_will_do_for_testing(self, folder: Path) -> None:
        for name in ("train", "val"):
            (folder / "splits" / f"{name}.txt").unlink()
        data = DataFolder.open(folder)
        assert data.split("test") == ("c",)
        with pytest.raises(DataError, match="unknown split 'train': Known: test; to add one, write its ids into"):
            data.split("train")

    def test_without_split_files_ids_decide(self, tmp_path: Path) -> None:
        ids = [f"clip {i}" for i in range(40)]
        write(tmp_path / "Annotations.txt", "".join(f"Dog&{i}&good&0&3\n" for i in ids))
        with pytest.warns(
            UserWarning, match=r"40 clips by their ids into 28 for training, 6 for validation, 6 for test"
        ):
            splits = DataFolder.open(tmp_path).splits
        assert sorted(video_id for part in splits.values() for video_id in part) == sorted(ids)
        write(tmp_path / "Annotations.txt", "".join(f"Dog&{i}&good&0&3\n" for i in reversed(ids)))
        with pytest.warns(UserWarning, match="no split files"):
            assert DataFolder.open(tmp_path).splits == splits

    @pytest.mark.parametrize("clips", [2, 3])
    def test_without_split_files_three_clips_are_the_least(self, tmp_path: Path, clips: int) -> None:
        write(tmp_path / "Annotations.txt", "".join(f"Dog&{i}&good&0&3\n" for i in range(clips)))
        if clips < 3:
            with pytest.raises(DataError, match=r"2 annotated clip\(s\) in .* need one each"):
                DataFolder.open(tmp_path)
        else:
            with pytest.warns(UserWarning, match="no split files"):
                assert [len(part) for part in DataFolder.open(tmp_path).splits.values()] == [1, 1, 1]
