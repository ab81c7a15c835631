"""The two tracks of a clip before they are encoded, for scripts written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dmin.lab.compose.banks import Item, open_bank
from dmin.lab.compose.banks.folder import FolderBank, open_folder
from dmin.lab.compose.render import SOUND_FADE_SECONDS, draw_frames, encode, mix_sound, render
from dmin.lab.compose.script import ClipScript, ComposeSettings, Take
from dmin.lab.compose.sound import second_levels_db
from dmin.media import decode
from lab.compose.compose_bank import RATE_HZ, TONES_HZ, place_of, shown, write_bank

SMALL = ComposeSettings(width=64, height=48)
SEEDS = range(12)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> FolderBank:
    """Three categories of one-coloured pictures and pure tones; do not write to it."""
    return open_folder(write_bank(tmp_path_factory.mktemp("render") / "bank"))


def script(*takes: tuple[int, Item | None], kind: str, seed: int, degraded: bool = False) -> ClipScript:
    """A clip of one interesting track; ``takes``: ends and items."""
    starts = [0, *(end for end, _ in takes)]
    track = tuple(Take(start, end, item) for start, (end, item) in zip(starts, takes, strict=False))
    other = (Take(0, 10, None),)
    pictures, sounds = (track, other) if kind == "pictures" else (other, track)
    return ClipScript("clip", "train", pictures, sounds, (), degraded, (seed, 0))


def strength(waveform: NDArray[np.float32], item: Item) -> float:
    """How strong an item's tone is in a piece of sound, in dB relative to full scale."""
    phase = np.exp(-2j * np.pi * TONES_HZ[place_of(item)] * np.arange(len(waveform)) / RATE_HZ)
    window = np.hanning(len(waveform))
    return float(20 * np.log10(2 * np.abs((waveform * phase * window).sum()) / window.sum() + 1e-9))


class TestPictures:
    def test_take_turns_at_whole_seconds(self, bank: FolderBank) -> None:
        one, other = bank.pictures("Ape")[0], bank.pictures("Bee")[1]
        expected = [place_of(one)] * 24 + [None] * 16 + [place_of(other)] * 40
        softened = 0
        for seed in SEEDS:
            frames = draw_frames(bank, script((3, one), (5, None), (10, other), kind="pictures", seed=seed), SMALL)
            assert (frames.shape, frames.dtype) == ((80, 48, 64, 3), np.uint8)
            found = [shown(frame) for frame in frames]
            wrong = [place for place in range(80) if found[place] != expected[place]]
            assert set(wrong) <= {24, 40}  # the only frames that may show both: the first of a new second
            for place in (24, 40):
                mixed = frames[place].astype(int) - (frames[place + 1].astype(int) + frames[place - 1]) // 2
                softened += np.abs(mixed).mean() < 6
        assert 0 < softened < 2 * len(SEEDS)  # some changes are soft, some are hard

    def test_move_and_differ_by_seed(self, tmp_path: Path) -> None:
        scenes = open_bank("scenes")
        bell = scenes.pictures("Bell")[0]
        clips = [draw_frames(scenes, script((10, bell), kind="pictures", seed=seed), SMALL) for seed in (0, 0, 1)]
        np.testing.assert_array_equal(clips[0], clips[1])
        assert not np.array_equal(clips[0], clips[2])
        moved = np.abs(clips[0][-1].astype(int) - clips[0][0]).mean()
        step = np.abs(np.diff(clips[0].astype(int), axis=0)).mean((1, 2, 3))
        assert moved > 1
        assert step.max() < moved  # slowly

    @pytest.mark.parametrize("size", [(20, 200), (300, 20), (64, 48), (17, 17), (640, 640)])
    def test_of_any_shape_are_shown_whole(self, tmp_path: Path, size: tuple[int, int]) -> None:
        from PIL import Image

        class OnePicture:
            def load_picture(self, item: Item) -> NDArray[np.uint8]:
                return np.asarray(Image.new("RGB", size, (200, 10, 10)))

        frames = draw_frames(OnePicture(), script((10, Item("a", "Ape", "a")), kind="pictures", seed=0), SMALL)  # type: ignore[arg-type]
        assert frames.shape == (80, 48, 64, 3)
        assert (frames[:, 24, 32, 0] > 120).all()
        assert (frames[:, 24, 32, 1] < 40).all()


class TestSounds:
    def test_reach_no_further_than_half_a_fade_into_each_other(self, bank: FolderBank) -> None:
        one, other = bank.sounds("Ape")[3], bank.sounds("Bee")[1]  # steady tones
        half = round(SOUND_FADE_SECONDS / 2 * RATE_HZ)
        middle = 4 * RATE_HZ
        for seed in SEEDS:
            mixed = mix_sound(bank, script((4, one), (10, other), kind="sounds", seed=seed))
            assert mixed.dtype == np.float32
            assert len(mixed) == 10 * RATE_HZ
            assert np.abs(mixed).max() <= 0.97 + 1e-6
            before, after = mixed[middle - half - 4410 : middle - half], mixed[middle + half : middle + half + 4410]
            assert strength(before, one) > strength(before, other) + 20
            assert strength(after, other) > strength(after, one) + 20
            across = mixed[middle - half // 2 : middle + half // 2]
            assert min(strength(across, one), strength(across, other)) > -45  # a cross-fade, not a gap

    def test_every_second_of_a_short_sound_is_heard_and_none_outside(self, bank: FolderBank) -> None:
        bark = bank.sounds("Cow")[0]  # 0.3 s
        for seed in SEEDS:
            mixed = mix_sound(bank, script((2, None), (8, bark), (10, None), kind="sounds", seed=seed))
            loudest = [
                max(
                    strength(mixed[start : start + 4410], bark)
                    for start in range(s * RATE_HZ + 4410, (s + 1) * RATE_HZ - 8820, 2205)
                )
                for s in range(10)
            ]
            assert min(loudest[2:8]) > max(*loudest[:2], *loudest[8:]) + 8

    def test_levels_and_noise_vary(self, bank: FolderBank) -> None:
        silent = [mix_sound(bank, script((10, None), kind="sounds", seed=seed)) for seed in range(24)]
        levels = np.array([second_levels_db(waveform).max() for waveform in silent])
        assert (levels == -120).any()  # digital silence
        assert (levels > -60).any()  # audible noise
        assert levels.max() < -31
        item = bank.sounds("Ape")[3]
        loud = np.array([second_levels_db(mix_sound(bank, script((10, item), kind="sounds", seed=s))) for s in SEEDS])
        assert np.ptp(loud.mean(1)) > 4  # from clip to clip
        assert np.ptp(loud, axis=1).max() > 1.5  # within a clip
        assert loud.min() > -38


class TestEncode:
    def test_the_same_bytes_again_and_the_picture_survives(self, bank: FolderBank, tmp_path: Path) -> None:
        clip = script((10, bank.pictures("Ape")[0]), kind="pictures", seed=0)
        for name in ("a.tmp", "b.tmp"):
            render(bank, clip, SMALL, tmp_path / name)
        assert (tmp_path / "a.tmp").read_bytes() == (tmp_path / "b.tmp").read_bytes()
        frames = draw_frames(bank, clip, SMALL)
        decoded = np.concatenate([s.frames for s in decode(tmp_path / "a.tmp", frames_per_second=8, frame_size=None)])
        assert np.abs(decoded.astype(int) - frames).mean() < 5

    def test_sound_keeps_its_time(self, tmp_path: Path) -> None:
        waveform = np.zeros(10 * RATE_HZ, np.float32)
        waveform[3 * RATE_HZ : 4 * RATE_HZ] = 0.3 * np.sin(0.1 * np.arange(RATE_HZ))
        encode(tmp_path / "a.mp4", np.zeros((40, 32, 32, 3), np.uint8), waveform, 4)
        decoded = np.concatenate([segment.waveform for segment in decode(tmp_path / "a.mp4")])
        # An encoder's delay would push the sound into the next second.
        lag = np.fft.irfft(np.fft.rfft(decoded) * np.fft.rfft(waveform).conj()).argmax()
        assert min(lag, len(waveform) - lag) <= 4

    def test_degraded_clips_differ(self, bank: FolderBank, tmp_path: Path) -> None:
        for degraded in (False, True):
            clip = script((10, bank.sounds("Ape")[3]), kind="sounds", seed=0, degraded=degraded)
            render(bank, clip, SMALL, tmp_path / f"{degraded}.mp4")
        assert (tmp_path / "True.mp4").read_bytes() != (tmp_path / "False.mp4").read_bytes()
        assert len(decode(tmp_path / "True.mp4")) == 10

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="No such file"):
            encode(tmp_path / "none" / "a.mp4", np.zeros((8, 32, 32, 3), np.uint8), np.zeros(8, np.float32), 8)
