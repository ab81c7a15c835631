from __future__ import annotations

import re
import shutil
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from dmin.data.annotations import BACKGROUND, SPLITS
from dmin.errors import DataError
from dmin.lab.compose.banks import Bank, open_bank
from dmin.lab.compose.banks.bank import shelves
from dmin.lab.compose.banks.files import read_picture, read_sound
from dmin.lab.compose.banks.folder import name_sources
from lab.compose.compose_bank import CATEGORIES, EACH, NEGATIVES, RATE_HZ, silence, tone, write_bank, write_wav


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good bank that a test may spoil."""
    return write_bank(tmp_path / "bank")


def opened(folder: Path) -> Bank:
    """Open a bank in which nothing must be left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return open_bank("folder", folder)


def sources(bank: Bank, kind: str, category: str) -> dict[str, str]:
    """Source of each file of a category, by the file's name."""
    return {Path(item.name).name: item.source for item in getattr(bank, kind)(category)}


class TestOpen:
    def test_finds_categories_items_and_negatives(self, folder: Path) -> None:
        bank = opened(folder)
        assert (bank.name, bank.categories) == ("folder", CATEGORIES)
        for category in CATEGORIES:
            assert [i.name for i in bank.pictures(category)] == [f"pictures/{category}/p{n}.png" for n in range(EACH)]
            assert [i.name for i in bank.sounds(category)] == [f"sounds/{category}/s{n}.wav" for n in range(EACH)]
            assert {item.category for item in bank.pictures(category)} == {category}
        assert [item.name for item in bank.sounds(BACKGROUND)] == [
            f"negatives/sounds/s{n}.wav" for n in range(NEGATIVES)
        ]
        assert {item.category for item in bank.pictures(BACKGROUND)} == {BACKGROUND}

    def test_loads_what_the_files_hold(self, folder: Path) -> None:
        bank = opened(folder)
        pixels = bank.load_picture(bank.pictures("Ape")[0])
        assert (pixels.shape, pixels.dtype) == ((48, 64, 3), np.uint8)
        assert np.abs(pixels.astype(int) - [191, 10, 10]).max() <= 1
        waveform = bank.load_sound(bank.sounds("Ape")[1])
        assert waveform.dtype == np.float32
        np.testing.assert_allclose(
            waveform, np.concatenate([silence(1.7), tone(600 * 1.19, 2.5), silence(1.7)]), atol=1e-3
        )

    def test_without_negatives(self, folder: Path) -> None:
        shutil.rmtree(folder / "negatives")
        bank = opened(folder)
        assert bank.pictures(BACKGROUND) == bank.sounds(BACKGROUND) == ()

    def test_other_files_are_not_looked_at(self, folder: Path) -> None:
        (folder / "pictures" / "Ape" / "notes.txt").write_text("a note")
        (folder / "pictures" / "Ape" / ".hidden.png").write_text("")
        (folder / "pictures" / ".cache").mkdir()
        (folder / "sounds" / "Ape" / "p0.png").write_text("")
        assert len(opened(folder).pictures("Ape")) == EACH

    def test_pictures_and_sounds_of_many_kinds(self, folder: Path) -> None:
        ape = folder / "pictures" / "Ape"
        Image.new("P", (40, 30), 3).save(ape / "palette.gif")
        Image.new("RGBA", (40, 30), (9, 9, 9, 0)).save(ape / "transparent.WEBP")
        Image.new("L", (40, 30)).save(ape / "grey.bmp")
        turned = Image.new("RGB", (40, 30))
        exif = turned.getexif()
        exif[0x0112] = 6  # to be turned by a quarter
        turned.save(ape / "turned.jpg", exif=exif)
        Image.new("RGB", (3000, 1500)).save(ape / "large.jpg")
        write_wav(folder / "sounds" / "Ape" / "long.wav", tone(440, 31))
        bank = opened(folder)
        shapes = {Path(i.name).name: bank.load_picture(i).shape for i in bank.pictures("Ape")}
        assert shapes["turned.jpg"] == (40, 30, 3)
        assert shapes["large.jpg"] == (320, 640, 3)  # larger than any clip needs
        assert shapes["palette.gif"] == shapes["grey.bmp"] == shapes["transparent.WEBP"] == (30, 40, 3)
        long = next(item for item in bank.sounds("Ape") if item.name.endswith("long.wav"))
        assert len(bank.load_sound(long)) == 30 * RATE_HZ


class TestLeftOut:
    """Files that cannot be used: a warning names them, and the bank opens without them."""

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda path: path.write_bytes(b"not a picture"), "cannot be read as a picture"),
            (lambda path: path.write_bytes(path.read_bytes()[:60]), "cannot be read as a picture"),
            (lambda path: path.write_bytes(b""), "cannot be read as a picture"),
            (lambda path: Image.new("RGB", (40, 15)).save(path), "is 40 x 15 pixels: at least 16 x 16 are needed"),
        ],
    )
    def test_pictures(self, folder: Path, spoil: Callable[[Path], object], message: str) -> None:
        spoil(folder / "pictures" / "Ape" / "p0.png")
        with pytest.warns(UserWarning, match=rf"left out of the bank: .*Ape/p0\.png {message}"):
            bank = open_bank("folder", folder)
        assert [Path(item.name).name for item in bank.pictures("Ape")] == ["p1.png", "p2.png", "p3.png"]

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda path: path.write_bytes(b"not a sound"), "cannot be read as a sound .*: replace or remove it"),
            (lambda path: path.write_bytes(b""), "cannot be read as a sound"),
            (lambda path: write_wav(path, silence(3)), "is silent: a sound needs something to hear"),
            (lambda path: write_wav(path, silence(0)), "cannot be read as a sound .holds no readable"),
            (lambda path: write_wav(path, tone(440, 3, 5e-4)), "is silent"),
            (lambda path: Image.new("RGB", (40, 40)).save(path, "PNG"), "holds no sound: replace or remove it"),
        ],
    )
    def test_sounds(self, folder: Path, spoil: Callable[[Path], object], message: str) -> None:
        spoil(folder / "sounds" / "Ape" / "s0.wav")
        with pytest.warns(UserWarning, match=rf"left out of the bank: .*Ape/s0\.wav {message}"):
            bank = open_bank("folder", folder)
        assert [Path(item.name).name for item in bank.sounds("Ape")] == ["s1.wav", "s2.wav", "s3.wav"]

    def test_too_many(self, folder: Path) -> None:
        for number in range(2):
            write_wav(folder / "sounds" / "Bee" / f"s{number}.wav", silence(1))
        with (
            pytest.warns(UserWarning, match="is silent"),
            pytest.raises(
                DataError,
                match=r"sounds/Bee has 2 usable files from 2 sources: at least 3 sources are needed, one for each of "
                r"train, val and test \(if files of different sources look alike by name, say so in sources\.csv\)",
            ),
        ):
            open_bank("folder", folder)


class TestErrors:
    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"none is not a folder: a bank holds pictures/CATEGORY/\* and sounds"):
            open_bank("folder", tmp_path / "none")
        with pytest.raises(DataError, match="bank folder needs a folder: say where, e.g. `--bank folder --folder"):
            open_bank("folder")

    def test_no_such_bank(self) -> None:
        with pytest.raises(DataError, match="unknown bank 'scene': did you mean 'scenes'"):
            open_bank("scene")

    def test_scenes_take_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="bank scenes is drawn by code and takes no folder .*: leave it out"):
            open_bank("scenes", tmp_path)

    @pytest.mark.parametrize("part", ["pictures", "sounds"])
    def test_half_a_bank(self, folder: Path, part: str) -> None:
        shutil.rmtree(folder / part)
        with pytest.raises(DataError, match=f"has no folder '{part}': a bank holds pictures"):
            open_bank("folder", folder)

    @pytest.mark.parametrize(("part", "other"), [("pictures", "sounds"), ("sounds", "pictures")])
    def test_half_a_category(self, folder: Path, part: str, other: str) -> None:
        shutil.rmtree(folder / other / "Bee")
        with pytest.raises(DataError, match=rf"Bee has {part} but no {other}: add {other}/Bee/\*, or remove it"):
            open_bank("folder", folder)

    def test_one_category(self, folder: Path) -> None:
        for path in [*folder.glob("*/Bee"), *folder.glob("*/Cow")]:
            shutil.rmtree(path)
        with pytest.raises(DataError, match="has 1 categories: at least 2 are needed; a bank holds"):
            open_bank("folder", folder)

    @pytest.mark.parametrize("name", ["R&B", "background", " Ape"])
    def test_names_that_annotations_cannot_hold(self, folder: Path, name: str) -> None:
        (folder / "pictures" / name).mkdir()
        with pytest.raises(DataError, match="a category's name has no '&', no outer spaces, and is not 'Background'"):
            open_bank("folder", folder)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("sounds/Ape/s0.wav", "row 1: got 'sounds/Ape/s0.wav': write file,source, e.g. sounds/Dog/a.wav,rex"),
            ("file,source\nsounds/Ape/s0.wav,", "row 2: got 'sounds/Ape/s0.wav,'"),
            ("sounds/Ape/none.wav,rex", "row 1: sounds/Ape/none.wav is not a file of the bank: write its path below"),
        ],
    )
    def test_sources_that_cannot_be(self, folder: Path, text: str, message: str) -> None:
        (folder / "sources.csv").write_text(text)
        with pytest.raises(DataError, match=re.escape(message)):
            open_bank("folder", folder)

    def test_sources_that_are_not_text(self, folder: Path) -> None:
        (folder / "sources.csv").write_bytes(b"\xff\xfe\x00s")
        with pytest.raises(DataError, match=r"cannot read .*sources\.csv"):
            open_bank("folder", folder)


class TestSources:
    def test_takes_of_one_recording(self, folder: Path) -> None:
        for name in ("2-122104-A", "2-122104-B", "2-122104-C-5"):
            write_wav(folder / "sounds" / "Ape" / f"{name}.wav", tone(300 + 20 * len(name) + ord(name[9]), 0.3))
        found = sources(opened(folder), "sounds", "Ape")
        assert {found[f"{name}.wav"] for name in ("2-122104-A", "2-122104-B", "2-122104-C-5")} == {"2-122104"}
        assert found["s0.wav"] == "sounds/Ape/s0.wav"

    def test_takes_of_one_speaker(self) -> None:
        found = name_sources(["george-03", "george-06", "lucas-02", "theo-00", "2-10-A", "theo"])
        assert found == {
            "george-03": "george",
            "george-06": "george",
            "lucas-02": "lucas",
            "theo-00": "theo",
            "2-10-A": "2-10",
            "theo": "theo",
        }

    def test_numbered_files_are_no_speakers(self) -> None:
        # Two names only: they could not serve three splits, so the numbers are likelier to count different things.
        assert name_sources(["dog-1", "dog-2", "puppy-1"]) == {name: name for name in ("dog-1", "dog-2", "puppy-1")}

    def test_the_bank_of_real_recordings(self, shared: Path) -> None:
        stems = [path.stem for path in (shared / "bank" / "sounds" / "Speech").glob("*.ogg")]
        assert len(set(name_sources(stems).values())) == 3
        dogs = [path.stem for path in (shared / "bank" / "sounds" / "Dog").glob("*.ogg")]
        assert {source.count("-") for source in name_sources(dogs).values()} == {1}

    def test_equal_files_are_one_source(self, folder: Path) -> None:
        shutil.copy(folder / "sounds" / "Ape" / "s0.wav", folder / "sounds" / "Bee" / "copy.wav")
        shutil.copy(folder / "pictures" / "Ape" / "p0.png", folder / "negatives" / "pictures" / "copy.png")
        bank = opened(folder)
        assert sources(bank, "sounds", "Bee")["copy.wav"] == sources(bank, "sounds", "Ape")["s0.wav"]
        assert sources(bank, "pictures", BACKGROUND)["copy.png"] == sources(bank, "pictures", "Ape")["p0.png"]

    def test_a_copy_ties_all_takes_of_its_recording(self, folder: Path) -> None:
        ape = folder / "sounds" / "Ape"
        for name, hz in (("2-10-A", 310), ("2-10-B", 320)):
            write_wav(ape / f"{name}.wav", tone(hz, 0.3))
        shutil.copy(ape / "2-10-A.wav", ape / "1 first by name.wav")
        shutil.copy(ape / "2-10-B.wav", folder / "sounds" / "Cow" / "other.wav")
        bank = opened(folder)
        found = sources(bank, "sounds", "Ape") | sources(bank, "sounds", "Cow")
        assert len({found[f"{name}.wav"] for name in ("2-10-A", "2-10-B", "1 first by name", "other")}) == 1

    def test_the_file_overrules_names_but_not_contents(self, folder: Path) -> None:
        shutil.copy(folder / "sounds" / "Ape" / "s3.wav", folder / "sounds" / "Bee" / "copy.wav")
        (folder / "sources.csv").write_text(
            "\ufefffile,source\r\nsounds/Ape/s0.wav, rex\r\n\r\nsounds/Bee/s0.wav,rex\r\nsounds/Ape/s3.wav,max\r\n"
            "pictures/Ape/p0.png,rex\r\n"
        )
        bank = opened(folder)
        apes, bees = sources(bank, "sounds", "Ape"), sources(bank, "sounds", "Bee")
        assert apes["s0.wav"] == bees["s0.wav"] == sources(bank, "pictures", "Ape")["p0.png"] == "rex"
        assert apes["s3.wav"] == bees["copy.wav"] == "max"
        assert apes["s1.wav"] == "sounds/Ape/s1.wav"

    def test_no_split_shares_a_source_or_a_content(self, folder: Path) -> None:
        for number in range(4):
            write_wav(folder / "sounds" / "Ape" / f"3-7-{'ABCD'[number]}.wav", tone(300 + number, 0.3))
            shutil.copy(folder / "pictures" / "Ape" / f"p{number}.png", folder / "pictures" / "Bee" / f"q{number}.png")
        bank = opened(folder)
        for seed in range(8):
            shelf = shelves(bank, (0.5, 0.25, 0.25), seed)
            owner: dict[object, str] = {}
            for split in SPLITS:
                for group in (*shelf[split].pictures.values(), *shelf[split].sounds.values()):
                    for item in group:
                        assert owner.setdefault(item.source, split) == split
                        assert owner.setdefault((folder / item.name).read_bytes(), split) == split


def test_a_picture_of_sixteen_bits_keeps_its_brightness(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64)
    Image.fromarray(ramp.astype(np.uint16)).save(tmp_path / "gray.png")
    Image.fromarray((ramp / 65535).astype(np.float32)).save(tmp_path / "float.tiff")
    assert read_picture(tmp_path / "gray.png").mean() == pytest.approx(127.5, abs=1)
    assert read_picture(tmp_path / "float.tiff").mean() == pytest.approx(127.5, abs=1)


def test_a_sound_with_infinities_is_read(tmp_path: Path) -> None:
    wave = np.tile(np.float32([0.3, -0.3]), RATE_HZ)
    wave[100:110], wave[200:205] = np.inf, np.nan
    path = tmp_path / "infinite.wav"
    size = wave.nbytes
    head = struct.pack(
        "<4sI8sIHHIIHH4sI", b"RIFF", 36 + size, b"WAVEfmt ", 16, 3, 1, RATE_HZ, 4 * RATE_HZ, 4, 32, b"data", size
    )
    path.write_bytes(head + wave.astype("<f4").tobytes())
    read = read_sound(path)
    assert np.abs(read).max() <= 1
    np.testing.assert_allclose(read[1000:1004], wave[1000:1004], atol=1e-3)


def test_a_name_may_begin_like_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_wav(Path("12:30.wav"), tone(600, 2.5))
    assert len(read_sound(Path("12:30.wav"))) == round(2.5 * RATE_HZ)


def write_sound(path: Path, codec: str, rate_hz: int) -> bytes:
    """Two seconds of a tone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono")
        wave = (9000 * np.sin(np.arange(2 * rate_hz) * 0.3)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
        frame.rate, frame.pts = rate_hz, 0
        resampler = av.AudioResampler(stream.codec_context.format, "mono", rate_hz, 1024)
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(piece))
    return path.read_bytes()


def test_a_sound_whose_end_is_missing_is_read_up_to_it(tmp_path: Path) -> None:
    path = tmp_path / "cut.flac"
    path.write_bytes(write_sound(path, "flac", 16_000)[:-40])
    assert 1.8 * RATE_HZ < len(read_sound(path)) <= 2 * RATE_HZ


def test_a_sound_whose_rate_changes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "joined.aac"
    path.write_bytes(write_sound(path, "aac", 16_000) + write_sound(path, "aac", 32_000))
    with pytest.raises(DataError, match="changes its sample rate from 16000 to 32000 Hz, and such a stream has no"):
        read_sound(path)
