"""The log-mel spectrogram that VGGish was trained on (AudioSet's mel_features.py), written out."""

from __future__ import annotations

import cmath
import math

RATE_HZ, WINDOW, HOP, FFT, BANDS = 16_000, 400, 160, 512, 64


def mel(hz):
    return 1127 * math.log(1 + hz / 700)


def weight(band, bin_):
    """Weight of a bin of the spectrum in a band: 1 at its centre, falling to 0 at its neighbours' centres, in mel."""
    if bin_ == 0:
        return 0.0  # HTK leaves the mean out
    step = (mel(7500) - mel(125)) / (BANDS + 1)
    centre = mel(125) + (band + 1) * step
    return max(0.0, 1 - abs(mel(bin_ * RATE_HZ / FFT) - centre) / step)


def magnitude(windowed, bin_):
    """Of one frequency of the window, followed by zeros up to 512 samples: [400] -> a number."""
    return abs(sum(x * cmath.exp(-2j * math.pi * bin_ * n / FFT) for n, x in enumerate(windowed)))


def log_mel_frame(waveform, frame):
    """One of the spectrogram's 10-ms rows: [S] -> [64]."""
    start = frame * HOP
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * n / WINDOW) for n in range(WINDOW)]
    windowed = [float(waveform[start + n]) * hann[n] for n in range(WINDOW)]
    magnitudes = [magnitude(windowed, bin_) for bin_ in range(FFT // 2 + 1)]
    return [math.log(sum(weight(band, bin_) * x for bin_, x in enumerate(magnitudes)) + 0.01) for band in range(BANDS)]
