"""The log-mel spectrogram of aisfx's spectrogram_librosa.py, written out: librosa's defaults, HTK's scale, norm=1.

Left out is that file's division by each recording's peak, as dmin's sfx says of itself; added is the division by the
training set's largest value, which aisfx's preprocessing does afterwards.
"""

from __future__ import annotations

import math

import numpy as np

RATE_HZ, WINDOW, HOP, BANDS = 44_100, 2048, 1024, 96
LARGEST = 9.457798957824707


def mel(hz):
    return 2595 * math.log10(1 + hz / 700)


def hz(mels):
    return 700 * (10 ** (mels / 2595) - 1)


def filters():
    """Triangles [96, 1025], linear in Hz, whose corners are evenly spaced in mel; each sums to 1."""
    step = mel(RATE_HZ / 2) / (BANDS + 1)
    weights = np.zeros((BANDS, WINDOW // 2 + 1))
    for band in range(BANDS):
        left, middle, right = (hz(step * (band + corner)) for corner in range(3))
        for place in range(WINDOW // 2 + 1):
            frequency = place * RATE_HZ / WINDOW
            if left < frequency <= middle:
                weights[band, place] = (frequency - left) / (middle - left)
            elif middle < frequency < right:
                weights[band, place] = (right - frequency) / (right - middle)
        weights[band] /= weights[band].sum()
    return weights


def log_mel(waveform):
    """[S] -> [frames, 96]: frames are centred on every 1024th sample, with zeros beyond both ends."""
    window = np.array([0.5 - 0.5 * math.cos(2 * math.pi * n / WINDOW) for n in range(WINDOW)])
    weights = filters()
    rows = []
    for centre in range(0, len(waveform) + 1, HOP):
        frame = np.zeros(WINDOW)
        for n in range(WINDOW):
            place = centre - WINDOW // 2 + n
            if 0 <= place < len(waveform):
                frame[n] = waveform[place]
        power = np.abs(np.fft.fft(frame * window)[: WINDOW // 2 + 1]) ** 2
        rows.append(np.log10(1 + 10000 * (weights @ power)) / LARGEST)
    return np.stack(rows)
