from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dmin.lab.compose import degrade
from dmin.lab.compose.banks import open_bank
from dmin.lab.compose.degrade import degrade_frames, degrade_sound
from dmin.lab.compose.sound import filled, second_levels_db
from lab.compose.compose_bank import RATE_HZ, silence, tone

Waveform = NDArray[np.float32]
seeds = st.integers(0, 2**32)
every_seed = settings(max_examples=30, deadline=None)
FAULTS = [degrade._limit_band, degrade._tilt, degrade._echo, degrade._add_noise, degrade._cut_gaps, degrade._clip]
SPOILERS = [degrade._squeeze, degrade._blur, degrade._relight, degrade._compress, degrade._caption]


def band(hz: float, level_db: float) -> Waveform:
    """A second of noise, a third of an octave wide. A pure tone could fall into an echo's notch."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(RATE_HZ))
    spectrum[~within(hz)] = 0
    waveform = np.fft.irfft(spectrum, RATE_HZ)
    return np.asarray(waveform / waveform.std() * 10 ** (level_db / 20), np.float32)


def level_of(waveform: Waveform, hz: float) -> float:
    """Level of what a second holds around a pitch, in dB relative to full scale."""
    power = np.abs(np.fft.rfft(waveform.astype(np.float64) * np.hanning(RATE_HZ))) ** 2 / (RATE_HZ**2 * 3 / 16)
    return float(10 * np.log10(power[within(hz)].sum() + 1e-12))


def within(hz: float) -> NDArray[np.bool_]:
    return np.abs(np.log2(np.fft.rfftfreq(RATE_HZ, 1 / RATE_HZ).clip(1) / hz)) < 1 / 6


class TestSound:
    @every_seed
    @given(seed=seeds, loudest=st.floats(0, 1))
    def test_keeps_shape_type_and_range(self, seed: int, loudest: float) -> None:
        waveform = np.random.default_rng(0).uniform(-loudest, loudest, 2 * RATE_HZ).astype(np.float32)
        before = waveform.copy()
        spoilt = degrade_sound(waveform, np.random.default_rng(seed))
        assert (spoilt.shape, spoilt.dtype) == (waveform.shape, np.float32)
        assert np.isfinite(spoilt).all()
        assert np.abs(spoilt).max() <= 1
        np.testing.assert_array_equal(waveform, before)  # the caller's stays as it is

    @every_seed
    @given(seed=seeds, hz=st.floats(90, 9000), faint_hz=st.floats(90, 9000), fainter_db=st.floats(0, 12))
    def test_an_audible_second_stays_audible(self, seed: int, hz: float, faint_hz: float, fainter_db: float) -> None:
        waveform = np.concatenate([band(hz, -20), band(faint_hz, -20 - fainter_db)])
        spoilt = degrade_sound(waveform, np.random.default_rng(seed))
        for pitch_hz, one, other in zip((hz, faint_hz), np.split(waveform, 2), np.split(spoilt, 2), strict=True):
            # A bird on the telephone would lose a hundred.
            assert level_of(other, pitch_hz) > level_of(one, pitch_hz) - 25

    def test_a_bed_of_noise_lies_below_the_faintest_second(self) -> None:
        waveform = np.concatenate([band(300, -20), band(2000, -30), silence(1)])
        for seed in range(10):
            bed = degrade._add_noise(waveform, np.random.default_rng(seed)) - waveform
            assert -60 < 10 * np.log10((bed.astype(np.float64) ** 2).mean()) < -33

    def test_real_sounds_stay_above_the_noise(self) -> None:
        bank = open_bank("scenes")
        for category in bank.categories:
            sound = filled(bank.load_sound(bank.sounds(category)[0]), 2, np.random.default_rng(0))
            waveform = np.concatenate([silence(1), sound, silence(1)])
            for seed in range(6):
                levels = second_levels_db(degrade_sound(waveform, np.random.default_rng(seed)))
                assert levels[1:3].min() > -50
                assert levels[1:3].min() > levels[[0, 3]].max() + 1.5  # silence, or whatever noise was laid over it

    def test_silence_has_nothing_to_lose(self) -> None:
        for seed in range(10):
            spoilt = degrade_sound(silence(2), np.random.default_rng(seed))
            assert np.isfinite(spoilt).all()
            assert np.abs(spoilt).max() < 0.01

    def test_is_the_same_for_the_same_generator(self) -> None:
        waveform = tone(800, 2)
        one, same = (degrade_sound(waveform, np.random.default_rng(5)) for _ in range(2))
        np.testing.assert_array_equal(one, same)
        assert len({degrade_sound(waveform, np.random.default_rng(seed)).tobytes() for seed in range(10)}) > 7

    @pytest.mark.parametrize("fault", FAULTS)
    def test_each_fault_changes_something(self, fault: object) -> None:
        bell = open_bank("scenes").load_sound(open_bank("scenes").sounds("Bell")[0])[: 2 * RATE_HZ]
        changes = [fault(bell, np.random.default_rng(seed)) for seed in range(3)]
        assert all((change.shape, change.dtype) == (bell.shape, np.float32) for change in changes)
        assert max(np.abs(change - bell).max() for change in changes) > 0.01


class TestFrames:
    @every_seed
    @given(seed=seeds, height=st.integers(16, 40), width=st.integers(16, 40), count=st.integers(1, 3))
    def test_keep_shape_and_type(self, seed: int, height: int, width: int, count: int) -> None:
        frames = np.random.default_rng(0).integers(0, 256, (count, 2 * height, 2 * width, 3), dtype=np.uint8)
        before = frames.copy()
        spoilt = degrade_frames(frames, np.random.default_rng(seed))
        assert (spoilt.shape, spoilt.dtype) == (frames.shape, np.uint8)
        np.testing.assert_array_equal(frames, before)

    def test_are_all_spoilt_alike(self) -> None:
        picture = open_bank("scenes").load_picture(open_bank("scenes").pictures("Bird")[0])
        for seed in range(8):
            spoilt = degrade_frames(np.stack([picture, picture]), np.random.default_rng(seed))
            np.testing.assert_array_equal(spoilt[0], spoilt[1])
            assert np.abs(spoilt[0].astype(int) - picture).mean() > 0.1
            likeness = np.corrcoef(spoilt[0].mean(-1).ravel(), picture.mean(-1).ravel())[0, 1]
            assert likeness > 0.3  # still that picture

    @pytest.mark.parametrize("fault", SPOILERS)
    def test_each_fault_changes_something(self, fault: object) -> None:
        picture = open_bank("scenes").load_picture(open_bank("scenes").pictures("Bird")[0])
        spoilt = fault(picture[None], np.random.default_rng(0))
        assert (spoilt.shape, spoilt.dtype) == ((1, *picture.shape), np.uint8)
        assert np.abs(spoilt[0].astype(int) - picture).mean() > 0.3
