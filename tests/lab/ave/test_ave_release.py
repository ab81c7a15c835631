"""AVE's files: labels derived and compared, orders, and bad files, each a sentence with its file and row."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import DataError
from dmin.lab.ave.files import open_dataset, read_dataset, read_row
from dmin.lab.ave.release import AveRelease, unique_ids
from lab.ave.ave_maker import CATEGORIES, MATCH_ORDERS, ORDERS, ROWS, labels, lines, make_release, write_h5, write_sets


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return make_release(tmp_path / "ave")


def annotate(folder: Path, *texts: str) -> None:
    (folder / "data" / "Annotations.txt").write_text("".join(f"{text}\n" for text in texts))


def agree(folder: Path) -> None:
    release = AveRelease.open(folder)
    release.require_agreement()
    release.splits("localization")
    release.splits("matching")


class TestRelease:
    def test_everything_agrees_with_the_annotations(self, release: Path) -> None:
        ave = AveRelease.open(release)
        assert list(ave.contradictions()) == []
        assert ave.categories == CATEGORIES
        assert ave.labels.tolist() == labels().tolist()
        assert ave.clip_labels.tolist() == [0, 0, 1, 1, 1, 2, 2, 0]
        assert ave.ids == ("a", "b", "c", "a~2", "-d", "e", "f", "g")
        for task, orders in (("localization", ORDERS), ("matching", MATCH_ORDERS)):
            assert {name: tuple(rows) for name, rows in ave.splits(task).items()} == orders

    def test_any_subset_will_do(self, release: Path) -> None:
        for path in (release / "data").glob("*.h5"):
            path.unlink()
        ave = AveRelease.open(release / "data")
        assert ave.labels.tolist() == labels().tolist()
        assert ave.splits() == {}
        assert list(ave.contradictions()) == []

    def test_sets_of_annotation_lines_or_ids(self, release: Path) -> None:
        for path in (release / "data").glob("*_order.h5"):
            path.unlink()
        write_sets(release / "data")
        ave = AveRelease.open(release)
        assert {name: tuple(rows) for name, rows in ave.splits().items()} == ORDERS
        (release / "data" / "valSet.txt").unlink()
        (release / "splits").mkdir()
        (release / "splits" / "val.txt").write_text("b\n-d\n")
        assert ave.splits()["val"].tolist() == [1, 4]
        (release / "splits" / "val.txt").write_text("a\n")
        assert ave.order("val").tolist() == [0, 3]  # both rows of the video

    def test_a_header_line(self, release: Path) -> None:
        annotate(release, "Category&VideoID&Quality&StartTime&EndTime", *lines())
        ave = AveRelease.open(release)
        assert ave.where(0) == "'Bell&a&good&0&10' (line 2 of Annotations.txt)"
        assert list(ave.contradictions()) == []

    @given(st.lists(st.sampled_from(["a", "b", "a~2", "a~3"])))
    def test_ids_are_unique_and_stay_if_they_are(self, video_ids: list[str]) -> None:
        ids = unique_ids(video_ids)
        assert len(set(ids)) == len(video_ids)
        assert all(name.startswith(video_id) for name, video_id in zip(ids, video_ids, strict=True))
        assert len(set(video_ids)) < len(video_ids) or list(ids) == video_ids


class TestAnnotations:
    def test_none(self, tmp_path: Path) -> None:
        with pytest.raises(
            DataError, match=r"no Annotations\.txt in .*: get it from AVE's project page, https://sites"
        ):
            AveRelease.open(tmp_path)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("Dog&x&good&0", "row 3: got 'Dog&x&good&0', 4 fields instead of 5: write category&video id"),
            ("Dog&x&good&7&3", "row 3: got 'Dog&x&good&7&3', start 7 and end 3: must be seconds with 0 <= start"),
            ("Dog&x&good&7&12", "row 3: got 'Dog&x&good&7&12', which ends after 10 s: AVE's clips have 10; correct"),
        ],
    )
    def test_bad_lines(self, release: Path, line: str, message: str) -> None:
        annotate(release, *lines()[:2], line)
        with pytest.raises(DataError, match=re.escape(str(release / "data" / "Annotations.txt") + ", " + message)):
            AveRelease.open(release)

    @pytest.mark.parametrize("name", ["mil_labels.h5", "labels.h5"])
    def test_a_misspelt_category_is_found_by_the_labels(self, release: Path, name: str) -> None:
        for other in {"mil_labels.h5", "labels.h5"} - {name}:
            (release / "data" / other).unlink()
        annotate(release, *lines()[:7], "Bel&g&good&1&9")
        message = rf"Annotations\.txt, row 8: unknown category 'Bel': did you mean 'Bell'\? .*{name} has 3 categories"
        with pytest.raises(DataError, match=message):
            agree(release)

    def test_a_misspelt_category_in_a_set(self, release: Path) -> None:
        (release / "data" / "valSet.txt").write_text("Bell&b&good&2&5\nDgo&-d&good&0&10\n")
        ave = AveRelease.open(release)
        with pytest.raises(DataError, match=r"valSet\.txt, row 2: unknown category 'Dgo': did you mean 'Dog'\?"):
            ave.read_set(release / "data" / "valSet.txt")


def one_hot(index: object) -> np.ndarray:
    return np.eye(4)[np.asarray(index)]


class TestLabels:
    @pytest.mark.parametrize("content", [b"", b"no HDF5"])
    def test_broken_labels_that_are_not_needed_are_to_be_removed(self, release: Path, content: bytes) -> None:
        (release / "data" / "labels.h5").write_bytes(content)
        with pytest.raises(
            DataError, match=r"labels\.h5 is not an HDF5 file, or it is cut off: it is not needed, remove"
        ):
            agree(release)

    @pytest.mark.parametrize(
        ("name", "values", "message"),
        [
            (
                "labels_closs.h5",
                np.where(np.arange(80).reshape(8, 10) == 14, 0, labels() < 3),
                "row 1: says 'background' in second 4, but 'Bell&b&good&2&5' (line 2 of Annotations.txt) says 'event' "
                "(1 of 8 rows differ): take both files from one release, or remove the label file",
            ),
            ("labels_closs.h5", np.full((8, 10), 0.5), "row 0: says '0.5' in second 0, but 'Bell&a&good&0&10'"),
            ("labels.h5", one_hot(np.where(labels() == 0, 2, labels())), "row 0: says 'Rain' in second 0, but 'Bell&a"),
            ("mil_labels.h5", one_hot([0, 0, 1, 1, 1, 2, 2, 2]), "row 7: says 'Rain', but 'Bell&g&good&1&9' (line 8"),
            ("mil_labels.h5", np.zeros((8, 4)), "row 0: got [0.0, 0.0, 0.0, 0.0], must be a single 1 among zeros"),
            ("mil_labels.h5", np.eye(7)[[0, 0, 1, 1, 1, 2, 2, 0]], " has 7 columns, must be 4: the 3 categories of "),
            ("mil_labels.h5", np.zeros((9, 4)), "'avadataset' is [9, 4] of float64, must be numbers [8, any]: "),
            ("labels_noisy.h5", one_hot([3, 1]), "row 1: says category 1, must be background (3)"),
        ],
    )
    def test_a_file_that_says_something_else(self, release: Path, name: str, values: np.ndarray, message: str) -> None:
        path = write_h5(release / "data" / name, values)
        with pytest.raises(DataError, match=rf"{re.escape(str(path))}.*{re.escape(message)}"):
            agree(release)
        (said,) = AveRelease.open(release).contradictions()
        assert message in said
        path.unlink()
        agree(release)


class TestOrders:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ([4, 8], "row 1: got 8, must be a whole number from 0 to 7, as there are 8 annotations: take both files"),
            ([-1, 4], "row 0: got -1, must be a whole number from 0 to 7"),
            ([1, 0.5], "row 1: got 0.5, must be a whole number"),
            ([1, np.nan], "row 1: got nan, must be a whole number"),
            ([1, 4, 1], "row 2: 1 stands in row 0 too: a split names each annotation once"),
            ([[1], [4]], "'order' is [2, 1] of int64, must be numbers [any]"),
            (["a", "b"], "must be numbers [any]"),
        ],
    )
    def test_bad_orders(self, release: Path, values: list, message: str) -> None:
        array = np.array(values, dtype="S1") if isinstance(values[0], str) else np.array(values)
        write_h5(release / "data" / "val_order.h5", array, "order")
        with pytest.raises(DataError, match=rf"val_order\.h5.*{re.escape(message)}"):
            agree(release)

    def test_a_row_in_two_splits(self, release: Path) -> None:
        write_h5(release / "data" / "val_order_match.h5", [2, 5], "order")
        with pytest.raises(DataError, match=r"matching splits: row 5, 'Rain&e&good&3&6' \(line 6 .* in val and test"):
            agree(release)

    def test_sets_and_orders_that_differ(self, release: Path) -> None:
        write_sets(release / "data")
        assert list(AveRelease.open(release).contradictions()) == []
        (release / "data" / "valSet.txt").write_text(f"{lines()[1]}\n{lines()[2]}\n")
        (said,) = AveRelease.open(release).contradictions()
        words = r"valSet\.txt names row 2, 'Dog&c&good&0&0' .*, and .*val_order\.h5 does not \(2 rows differ\): remove"
        assert re.search(words, said)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("Dog&c&good&0&1", "row 1: got 'Dog&c&good&0&1', which is no line of .*Annotations.txt: correct"),
            ("zebra", "row 1: got 'zebra', a video id that .*Annotations.txt does not hold: add its line"),
            ("Dog&c&good&3", "row 1: got 'Dog&c&good&3', 4 fields instead of 5"),
            ("", "is empty: get it anew, or remove it"),
        ],
    )
    def test_bad_sets(self, release: Path, text: str, message: str) -> None:
        path = release / "data" / "testSet.txt"
        path.write_text(text)
        with pytest.raises(DataError, match=f"testSet.txt.*{message}"):
            AveRelease.open(release).read_set(path)


class TestHDF5:
    def test_the_key_is_missing(self, release: Path) -> None:
        path = write_h5(release / "data" / "test_order.h5", [3], "rows")
        with pytest.raises(DataError, match=r"test_order\.h5 has no dataset 'order', it has 'rows': get the released"):
            agree(release)
        with pytest.raises(DataError, match=r"has no dataset 'order'"):
            read_dataset(path, (None,))

    @pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>", "cut"])
    def test_no_hdf5_file(self, release: Path, content: bytes | str) -> None:
        path = release / "data" / "labels_closs.h5"
        path.write_bytes(path.read_bytes()[:1000] if isinstance(content, str) else content)
        message = (
            r"labels_closs\.h5 is not an HDF5 file, or it is cut off: download it again from the folder data/ of h"
        )
        with pytest.raises(DataError, match=message):
            agree(release)

    def test_rows_are_read_one_by_one(self, release: Path) -> None:
        path = release / "data" / "audio_feature.h5"
        with open_dataset(path, (len(ROWS), 10, None)) as dataset:
            assert read_row(dataset, path, 3).tolist() == read_dataset(path, (8, 10, 4))[3].tolist()

    @pytest.mark.parametrize("shape", [(8, 10), (7, 10, None), (8, 10, 3)])
    def test_wrong_shapes(self, release: Path, shape: tuple) -> None:
        wanted = re.escape(", ".join("any" if n is None else str(n) for n in shape))
        message = rf"audio_feature\.h5: 'avadataset' is \[8, 10, 4\] of float32, must be numbers \[{wanted}\]"
        with pytest.raises(DataError, match=message), open_dataset(release / "data" / "audio_feature.h5", shape):
            pass


class TestSharedCopy:
    """The released files, as far as they lie beside the repository."""

    def test_derived_labels_equal_the_released_ones_on_all_rows(self, shared: Path) -> None:
        ave = AveRelease.open(shared / "ave")
        assert ave.labels.shape == (4143, 10)
        assert len(ave.categories) == 28
        relevance = read_dataset(shared / "ave" / "labels_closs.h5", (4143, 10))
        clips = read_dataset(shared / "ave" / "mil_labels.h5", (4143, 29))
        assert np.array_equal(ave.labels < 28, relevance == 1)
        assert np.array_equal(ave.clip_labels, clips.argmax(1))
        assert np.array_equal(np.eye(29)[ave.clip_labels], clips)
        assert list(ave.contradictions()) == []
        assert len(set(ave.ids)) == 4143
