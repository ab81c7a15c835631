from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dmin.lab.compose.sound import (
    LEVEL_DB,
    LONGEST_PAUSE_SECONDS,
    audible_seconds,
    faded,
    filled,
    frame_levels_db,
    levelled,
    noise,
    second_levels_db,
    trim,
)
from lab.compose.compose_bank import RATE_HZ, silence, tone

Waveform = NDArray[np.float32]
EDGES_SECONDS = 0.1  # a frame of 50 ms counts as sound though a part of it is silent, at both ends of a pause


def joined(*pieces: Waveform) -> Waveform:
    return np.concatenate(pieces)


def longest_pause(waveform: Waveform, below_db: float = -46.0) -> float:
    """Seconds of the longest run of 10-ms frames that are quiet, counted one by one."""
    longest = run = 0
    for start in range(0, len(waveform) - 440, 441):
        level = 10 * np.log10(float((waveform[start : start + 441].astype(np.float64) ** 2).mean()) + 1e-12)
        run = run + 1 if level < below_db else 0
        longest = max(longest, run)
    return longest / 100


@st.composite
def recordings(draw: st.DrawFn) -> Waveform:
    """Tones and noises of any length, separated and surrounded by any silence."""
    generator = np.random.default_rng(draw(st.integers(0, 1000)))
    pieces = []
    for _ in range(draw(st.integers(1, 4))):
        pieces.append(silence(draw(st.floats(0, 2.5))))
        samples = int(draw(st.floats(0.06, 2.0)) * RATE_HZ)
        strength = draw(st.floats(0.05, 0.9))
        pieces.append((strength * generator.uniform(-1, 1, samples)).astype(np.float32))
    return joined(*pieces, silence(draw(st.floats(0, 2.5))))


class TestLevels:
    def test_of_frames_and_seconds(self) -> None:
        waveform = joined(silence(1), tone(1000, 0.5, 0.1), silence(0.5), silence(0.7))
        assert len(frame_levels_db(waveform)) == 54
        np.testing.assert_allclose(second_levels_db(waveform), [-120, -23.01], atol=0.05)  # the rest is no second
        assert len(second_levels_db(silence(0.9))) == 0

    def test_levelled(self) -> None:
        for strength in (0.003, 0.1, 0.9):
            loud = second_levels_db(levelled(joined(tone(500, 1, strength), silence(1))))[0]
            assert loud == pytest.approx(LEVEL_DB, abs=0.1)

    def test_levelled_does_not_clip(self) -> None:
        click = silence(1)
        click[1000] = 0.01
        assert np.abs(levelled(click)).max() == pytest.approx(0.9)


class TestTrim:
    def test_cuts_padded_silence(self) -> None:
        bark = tone(700, 0.4)
        trimmed = trim(joined(silence(2), bark, silence(2.6)))
        assert 0.4 <= len(trimmed) / RATE_HZ <= 0.55  # a frame of attack before, one of decay after
        assert audible_seconds(joined(silence(2), bark, silence(2.6))) == pytest.approx(0.4, abs=0.051)

    def test_keeps_faint_noise_out_too(self) -> None:
        hiss = (3e-4 * np.random.default_rng(0).standard_normal(3 * RATE_HZ)).astype(np.float32)
        hiss[RATE_HZ : 2 * RATE_HZ] += tone(700, 1)
        assert 1.0 <= len(trim(hiss)) / RATE_HZ <= 1.15

    @pytest.mark.parametrize("waveform", [silence(2), silence(0), silence(0.01), tone(700, 1, 1e-4)])
    def test_nothing_audible(self, waveform: Waveform) -> None:
        assert len(trim(waveform)) == 0
        assert audible_seconds(waveform) == 0

    @settings(max_examples=25, deadline=None)
    @given(recording=recordings())
    def test_leaves_no_long_pause_and_loses_nothing(self, recording: Waveform) -> None:
        trimmed = trim(recording)
        assert longest_pause(trimmed) <= LONGEST_PAUSE_SECONDS + EDGES_SECONDS
        assert audible_seconds(trimmed) == pytest.approx(audible_seconds(recording), abs=0.11)
        assert len(trimmed) <= len(recording) + RATE_HZ // 20


class TestFilled:
    @settings(max_examples=25, deadline=None)
    @given(recording=recordings(), seconds=st.integers(1, 11), seed=st.integers(0, 100))
    def test_every_second_is_audible(self, recording: Waveform, seconds: int, seed: int) -> None:
        sound = filled(recording, seconds, np.random.default_rng(seed))
        assert sound.dtype == np.float32
        assert len(sound) == seconds * RATE_HZ
        assert np.abs(sound).max() <= 1
        assert second_levels_db(sound).min() > LEVEL_DB - 18.5  # of faint and loud pieces, the faint are lifted
        # Wherever a second begins.
        assert longest_pause(sound, below_db=-50) <= LONGEST_PAUSE_SECONDS + EDGES_SECONDS

    def test_steady_sounds_are_joined_without_a_pause(self) -> None:
        rain = (0.2 * np.random.default_rng(0).standard_normal(2 * RATE_HZ)).astype(np.float32)
        sound = filled(joined(silence(1.5), rain), 9, np.random.default_rng(0))
        assert frame_levels_db(sound)[1:-1].min() > LEVEL_DB - 4
        assert np.abs(sound).max() < 6 * 10 ** (LEVEL_DB / 20)

    def test_a_long_recording_is_entered_anywhere(self) -> None:
        sweep = joined(*(tone(500 + 100 * second, 1) for second in range(20)))
        entries = {filled(sweep, 3, np.random.default_rng(seed)).tobytes() for seed in range(5)}
        assert len(entries) == 5

    def test_is_the_same_for_the_same_generator(self) -> None:
        bark = joined(silence(1), tone(700, 0.2))
        one, same, other = (filled(bark, 4, np.random.default_rng(seed)) for seed in (0, 0, 1))
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)

    def test_silence_is_refused(self) -> None:
        with pytest.raises(ValueError, match="the sound is silent throughout"):
            filled(silence(3), 4, np.random.default_rng(0))


class TestFaded:
    def test_ends_are_silent_and_the_rest_untouched(self) -> None:
        ones = np.ones(RATE_HZ, np.float32)
        sound = faded(ones)
        assert sound[0] == sound[-1] == 0
        assert (sound[220:-220] == 1).all()
        assert (ones == 1).all()  # the caller's is not changed

    @pytest.mark.parametrize("samples", [0, 1, 2, 3])
    def test_very_short(self, samples: int) -> None:
        assert len(faded(np.ones(samples, np.float32))) == samples


class TestNoise:
    @pytest.mark.parametrize("colour", ["white", "pink", "brown", "hum"])
    def test_level_and_determinism(self, colour: str) -> None:
        one, same, other = (noise(colour, RATE_HZ, np.random.default_rng(seed)) for seed in (0, 0, 1))
        assert np.sqrt((one.astype(np.float64) ** 2).mean()) == pytest.approx(1, abs=1e-3)
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)

    @pytest.mark.parametrize(("colour", "decibels"), [("white", 0.0), ("pink", -3.01), ("brown", -6.02)])
    def test_slope_per_octave(self, colour: str, decibels: float) -> None:
        power = np.abs(np.fft.rfft(noise(colour, 8 * RATE_HZ, np.random.default_rng(0)))) ** 2
        octaves = [power[8 * hz : 16 * hz].mean() for hz in (250, 500, 1000, 2000, 4000)]
        np.testing.assert_allclose(np.diff(10 * np.log10(octaves)), decibels, atol=0.4)
