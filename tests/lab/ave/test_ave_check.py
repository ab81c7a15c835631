"""What a check of AVE counts, and that it says what contradicts itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dmin.lab.ave.check import SplitFacts, check_release
from lab.ave.ave_maker import make_release, write_h5


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return make_release(tmp_path / "ave")


def split(splits: tuple[SplitFacts, ...], task: str, name: str) -> SplitFacts:
    return next(split for split in splits if (split.task, split.name) == (task, name))


def test_counts_of_a_small_copy(release: Path) -> None:
    facts = check_release(release)
    assert facts.contradictions == ()
    train = split(facts.splits, "localization", "train")
    assert (train.clips, train.without_event, train.full_length) == (4, (2,), 2)
    assert train.background_share == pytest.approx(17 / 40)
    assert train.commonest_category == ("Rain", pytest.approx(13 / 40))
    assert train.clips_by_category == (1, 1, 2)
    assert train.matching is None
    test = split(facts.splits, "matching", "test")  # rows 5 (3 to 6) and 7 (1 to 9); no such length in training
    assert test.matching == {
        "window at random": pytest.approx((1 / 8 + 1 / 3) / 2),
        "first window": 0.0,
        "last window": 0.0,
        "training's commonest window of its length": 0.0,
    }
    words = "\n".join(facts.notes)
    assert "8 rows, 3 categories" in words
    assert "row 2, 'Dog&c&good&0&0' (line 3 of Annotations.txt), has no event and stands in the localization" in words
    assert "7 videos: 1 ids repeat (1 with another category each time), 1 of them in several localization" in words
    assert "the matching val split has 1 of 3 categories" in words
    assert "1 clips of the matching test split are in the localization training split" in words
    (release / "videos").mkdir()
    (release / "videos" / "a.mp4").touch()
    facts = check_release(release)
    assert (facts.video_folder, facts.video_count) == (release / "videos", 1)
    assert all(file.path is not None for file in facts.files if file.file.name.endswith(".h5"))
    assert {file.file.name for file in facts.files if file.path is None} == {
        "trainSet.txt",
        "valSet.txt",
        "testSet.txt",
    }


def test_a_category_that_training_lacks(release: Path) -> None:
    write_h5(release / "data" / "train_order.h5", [0, 2], "order")
    words = "\n".join(check_release(release).notes)
    assert "the localization train split has 2 of 3 categories" in words
    write_h5(release / "data" / "test_order.h5", [3, 5], "order")
    assert "1 clips of the localization test split are of 'Rain', which training lacks" in "\n".join(
        check_release(release).notes
    )


def test_features_with_other_rows(release: Path) -> None:
    write_h5(release / "data" / "visual_feature_vec.h5", np.zeros((7, 10, 6)))
    write_h5(release / "data" / "audio_feature_noisy.h5", np.zeros((3, 10, 4)))
    (release / "data" / "audio_feature.h5").write_text("no features")
    write_h5(release / "data" / "val_order.h5", [6], "order")  # is in train too
    facts = check_release(release)
    words = "\n".join(facts.contradictions)
    assert len(facts.contradictions) == 4
    assert "visual_feature_vec.h5: 'avadataset' is [7, 10, 6] of float64, must be numbers [8, 10, any]" in words
    assert "audio_feature.h5 is not an HDF5 file" in words
    assert (
        "differ in their number of rows: labels_noisy.h5 2, audio_feature_noisy.h5 3, visual_feature_noisy.h5 2"
        in words
    )
    assert "localization splits: row 6" in words
    assert {split.task for split in facts.splits} == {"matching"}  # the others cannot be counted


class TestSharedCopy:
    """The released files, as far as they lie beside the repository."""

    @pytest.fixture(scope="class")
    def facts(self, shared: Path):
        return check_release(shared / "ave")

    def test_splits(self, facts) -> None:
        assert facts.contradictions == ()
        assert [split.clips for split in facts.splits] == [3339, 402, 402] * 2
        test = split(facts.splits, "localization", "test")
        assert f"{test.background_share:.2%}" == "17.79%"
        assert split(facts.splits, "localization", "train").without_event == (26,)
        assert split(facts.splits, "matching", "val").without_event == (26,)

    def test_matching(self, facts) -> None:
        train, val, test = (split(facts.splits, "matching", name) for name in ("train", "val", "test"))
        assert (train.full_length, train.clips - train.full_length) == (2547, 792)
        assert (val.full_length, test.full_length) == (203, 0)
        assert [i for i, clips in enumerate(val.clips_by_category) if clips] == [0, 1, 2]
        assert [f"{share:.1%}" for share in test.matching.values()] == ["20.8%", "35.3%", "46.8%", "47.0%"]

    def test_notes(self, facts) -> None:
        words = "\n".join(facts.notes)
        for part in (
            "4143 rows, 28 categories",
            "row 26, 'Church bell&VWi2ENBuTbw&good&0&0' (line 27 of Annotations.txt), has no event",
            "4097 videos: 45 ids repeat (45 with another category each time), 18 of them in several localization",
            "48 clips of the matching test split are of 'Church bell', 'Male speech, man speaking'",
            "314 clips of the matching test split are in the localization training split",
        ):
            assert part in words
        assert sum("has no event" in note for note in facts.notes) == 1
