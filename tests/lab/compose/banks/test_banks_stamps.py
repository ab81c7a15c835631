from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dmin.data.annotations import BACKGROUND
from dmin.errors import DataError
from dmin.lab.compose.banks import open_bank
from dmin.lab.compose.banks import stamps as stamps_module
from dmin.lab.compose.banks.drawing import HEIGHT, WIDTH
from dmin.lab.compose.banks.stamps import MOST_CATEGORIES, STAMPS_FOLDER, VARIANTS, StampsBank, open_stamps
from dmin.lab.compose.sound import audible_seconds
from lab.compose.compose_bank import silence, tone, write_wav


def write_stamp(folder: Path, name: str, *, seconds: float | None = None, hz: float = 700, side: int = 90) -> None:
    """A disc on nothing; ``seconds``: how long its tone is heard, without a sound if None."""
    path = folder / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    stamp = np.zeros((side, side + 10, 4), np.uint8)
    rows, columns = np.ogrid[:side, : side + 10]
    stamp[(rows - side / 2) ** 2 + (columns - side / 2) ** 2 < (side / 2.2) ** 2] = (200, 30, 30, 255)
    Image.fromarray(stamp).save(path)
    if seconds is not None:
        write_wav(folder / f"{name}.wav", np.concatenate([silence(0.2), tone(hz, seconds)]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_stamp(tmp_path, "animals/big_cat", seconds=2.0, hz=600)
    write_stamp(tmp_path, "animals/dog", seconds=1.0, hz=900)
    write_stamp(tmp_path, "animals/silent-fish")
    write_stamp(tmp_path, "food/apple")
    write_stamp(tmp_path, "food/pear")
    write_stamp(tmp_path, "symbols/letter", seconds=3.0)
    write_stamp(tmp_path, "tiny/ant", seconds=3.0, side=40)
    return tmp_path


class TestRule:
    def test_what_becomes_a_category(self, folder: Path) -> None:
        bank = open_bank("stamps", folder)
        assert isinstance(bank, StampsBank)
        assert (bank.name, bank.categories) == ("stamps", ("Big cat", "Dog"))
        assert bank.stamps == {"Big cat": "animals/big_cat", "Dog": "animals/dog"}
        # The fish is a neighbour of the cat, the letter's sound is a spoken name, the ant is too small.
        assert bank.other_pictures == ("food/apple", "food/pear")
        assert bank.other_sounds == ()

    def test_the_longest_heard_are_taken_and_the_others_are_negatives(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_stamp(folder, "things/bell", seconds=1.5, hz=1300)
        monkeypatch.setattr(stamps_module, "MOST_CATEGORIES", 2)
        bank = open_stamps(folder)
        assert bank.categories == ("Bell", "Big cat")
        assert bank.other_sounds == ("animals/dog",)

    def test_equal_recordings_count_once(self, folder: Path) -> None:
        write_stamp(folder, "animals/hound")
        shutil.copy(folder / "animals" / "dog.wav", folder / "animals" / "hound.wav")
        assert open_stamps(folder).categories == ("Big cat", "Dog")

    def test_a_namesake_is_no_negative(self, folder: Path) -> None:
        write_stamp(folder, "cartoon/Big-cat", seconds=0.5, hz=1500)
        bank = open_stamps(folder)
        assert bank.stamps["Big cat"] == "animals/big_cat"  # the longer one
        assert bank.other_sounds == ()

    def test_silent_and_broken_stamps(self, folder: Path) -> None:
        write_stamp(folder, "food/apple")
        write_wav(folder / "food" / "apple.wav", silence(1))
        (folder / "food" / "plum.png").write_bytes(b"not a picture")
        bank = open_stamps(folder)
        assert "Apple" not in bank.categories
        assert bank.other_pictures == ("food/pear",)


class TestErrors:
    def test_not_installed(self, tmp_path: Path) -> None:
        message = f"no stamps in {tmp_path / 'none'}: run `apt-get install tuxpaint-stamps-default`, or name the folder"
        with pytest.raises(DataError, match=re.escape(message)):
            open_bank("stamps", tmp_path / "none")

    def test_too_few(self, folder: Path) -> None:
        (folder / "animals" / "dog.wav").unlink()
        with pytest.raises(DataError, match="has 1 stamps with a sound, at least 2 are needed: run `apt-get install"):
            open_stamps(folder)

    def test_a_broken_sound(self, folder: Path) -> None:
        (folder / "animals" / "dog.wav").write_bytes(b"not a sound")
        with pytest.raises(DataError, match=r"dog\.wav cannot be read as a sound"):
            open_stamps(folder)


class TestItems:
    def test_views_differ_and_come_again(self, folder: Path) -> None:
        bank = open_stamps(folder)
        items = bank.pictures("Dog")
        assert len(items) == len({item.source for item in items}) == VARIANTS
        views = [bank.load_picture(item) for item in items[:4]]
        assert {(view.shape, view.dtype) for view in views} == {((HEIGHT, WIDTH, 3), np.dtype(np.uint8))}
        assert len({view.tobytes() for view in views}) == 4
        np.testing.assert_array_equal(open_stamps(folder).load_picture(items[0]), views[0])
        for view in views:  # the disc is on it, as red as its tint allows
            red, green, blue = np.moveaxis(view.astype(int), -1, 0)
            assert ((red > 100) & (green < 60) & (blue < 60)).mean() > 0.1

    def test_playings_differ_and_come_again(self, folder: Path) -> None:
        bank = open_stamps(folder)
        items = bank.sounds("Dog")
        assert len(items) == VARIANTS
        playings = [bank.load_sound(item) for item in items[:4]]
        assert len({playing.tobytes() for playing in playings}) == 4
        np.testing.assert_array_equal(bank.load_sound(items[0]), playings[0])
        for playing in playings:
            assert playing.dtype == np.float32
            assert audible_seconds(playing) == pytest.approx(1, abs=0.15)
            power = np.abs(np.fft.rfft(playing))
            assert power.argmax() * 44_100 / len(playing) == pytest.approx(900, rel=0.07)  # its speed changes a little

    def test_negatives_have_one_item_each(self, folder: Path) -> None:
        bank = open_stamps(folder)
        items = bank.pictures(BACKGROUND)
        assert [item.name for item in items] == ["picture:food/apple", "picture:food/pear"]
        assert bank.load_picture(items[0]).shape == (HEIGHT, WIDTH, 3)

    def test_a_stamp_that_has_gone(self, folder: Path) -> None:
        bank = open_stamps(folder)
        (folder / "animals" / "dog.png").unlink()
        with pytest.raises(DataError, match=r"dog\.png cannot be read as a picture"):
            bank.load_picture(bank.pictures("Dog")[0])


class TestDebians:
    @pytest.fixture(scope="class")
    def bank(self) -> StampsBank:
        if not STAMPS_FOLDER.is_dir():
            pytest.skip("Debian's package tuxpaint-stamps-default is not installed")
        return open_stamps()

    def test_as_many_categories_as_ave(self, bank: StampsBank) -> None:
        assert len(bank.categories) == MOST_CATEGORIES
        assert "Tiger" in bank.categories
        assert len(bank.other_pictures) > 100
        assert len(bank.other_sounds) > 20

    def test_negatives_are_of_no_category(self, bank: StampsBank) -> None:
        names = {Path(stamp).name for stamp in bank.stamps.values()}
        assert not names & {Path(stamp).name for stamp in (*bank.other_pictures, *bank.other_sounds)}

    def test_all_can_be_loaded(self, bank: StampsBank) -> None:
        for category in bank.categories[::6]:
            assert bank.load_picture(bank.pictures(category)[0]).shape == (HEIGHT, WIDTH, 3)
            assert audible_seconds(bank.load_sound(bank.sounds(category)[0])) > 0.2
