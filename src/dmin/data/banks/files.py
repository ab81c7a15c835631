"""Reading one picture or one sound of any common format."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dmin.data.sound import RATE_HZ
from dmin.errors import DataError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
AUDIO_SUFFIXES = frozenset({".ogg", ".oga", ".opus", ".wav", ".flac", ".mp3", ".m4a", ".aac", ".aif", ".aiff"})
_LARGEST_SIDE = 640  # pixels; clips are smaller, so that more would only cost time
_LONGEST_SECONDS = 30  # of a recording are used


def open_picture(path: Path, mode: str) -> Image.Image:
    """Read a picture upright and not larger than clips can show, in Pillow's ``mode``, e.g. ``RGB``.

    Raises:
        DataError: It cannot be read; the message names the file.
    """
    try:
        with Image.open(path) as image:
            image.draft("RGB", (_LARGEST_SIDE, _LARGEST_SIDE))
            image.load()
            upright = ImageOps.exif_transpose(image).convert(mode)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture ({error}): replace or remove it") from error
    upright.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE), Image.Resampling.LANCZOS)
    return upright


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Pixels [H, W, 3] of a picture file.

    Raises:
        DataError: It cannot be read; the message names the file.
    """
    return np.asarray(open_picture(path, "RGB"), dtype=np.uint8)


def read_sound(path: Path) -> NDArray[np.float32]:
    """Waveform [S] of a sound file, mono, 44.1 kHz, its first 30 seconds.

    Raises:
        DataError: It cannot be read; the message names the file.
    """
    pieces: list[NDArray[np.float32]] = []
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise DataError(f"{path} holds no sound: replace or remove it")
            stream = container.streams.audio[0]
            fifo = av.AudioFifo()  # frames may be as short as 3 ms: gathered, they are converted at once
            resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
            seconds = 0.0
            for frame in container.decode(stream):
                frame.pts = None
                fifo.write(frame)
                seconds += frame.samples / frame.sample_rate
                if seconds >= _LONGEST_SECONDS:
                    break
            for gathered in (fifo.read(), None):  # None: what the resampler still holds
                pieces += [part.to_ndarray()[0] for part in resampler.resample(gathered)]
    except (OSError, av.error.FFmpegError) as error:
        raise DataError(f"{path} cannot be read as a sound ({error}): replace or remove it") from error
    waveform = np.concatenate(pieces)[: _LONGEST_SECONDS * RATE_HZ] if pieces else np.zeros(0, np.float32)
    return np.nan_to_num(waveform.astype(np.float32, copy=False))
