"""Reading one picture or one sound of any common format."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dmin.errors import DataError, MediaError
from dmin.lab.compose.sound import RATE_HZ
from dmin.media.info import probe
from dmin.media.sound import Sound, sound_in

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
            upright = _eight_bits(ImageOps.exif_transpose(image)).convert(mode)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture ({error}): replace or remove it") from error
    upright.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE), Image.Resampling.LANCZOS)
    return upright


def _eight_bits(image: Image.Image) -> Image.Image:
    """The same brightness in 8 bits; Pillow would clip pictures of 16 bits or of floating-point numbers (0..1)."""
    if image.mode.startswith("I"):
        return Image.fromarray(np.clip(np.asarray(image) / 257, 0, 255).round().astype(np.uint8))
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image))
        return Image.fromarray((np.clip(values, 0, 1) * 255).round().astype(np.uint8))
    return image


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
    samples = 0
    try:
        info = probe(path)
        if not info.has_audio:
            raise DataError(f"{path} holds no sound: replace or remove it")
        for piece in Sound(sound_in(info), RATE_HZ, info.start_seconds).pieces():
            pieces.append(piece)
            samples += len(piece)
            if samples >= _LONGEST_SECONDS * RATE_HZ:
                break
    except (MediaError, OSError, av.error.FFmpegError) as error:
        reason = str(error).removeprefix(f"{path} ")
        raise DataError(f"{path} cannot be read as a sound ({reason}): replace or remove it") from error
    return np.concatenate(pieces)[: _LONGEST_SECONDS * RATE_HZ] if pieces else np.zeros(0, np.float32)
