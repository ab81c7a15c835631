"""From a script to an MP4 file: pictures under a slowly moving camera, sounds mixed with noise, both encoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dmin.lab.compose.banks.bank import Bank
from dmin.lab.compose.banks.surfaces import surface
from dmin.lab.compose.degrade import degrade_frames, degrade_sound
from dmin.lab.compose.script import CLIP_SECONDS, ClipScript, ComposeSettings, Take
from dmin.lab.compose.sound import RATE_HZ, Waveform, filled, noise

SOUND_FADE_SECONDS = 0.12
"""Length of the cross-fade of two sounds, centred on the whole second: each reaches 0.06 s into the other's."""
_CROPPED = 1.15  # a picture may be this much wider or taller than the clip, and lose what sticks out
_CAMERA, _MIX, _BAD_PICTURE, _BAD_SOUND = range(1, 5)  # purposes of a script's random numbers
_BACKGROUND_NOISES = ("none", "white", "pink", "pink", "brown", "hum")


def render(bank: Bank, script: ClipScript, settings: ComposeSettings, path: Path) -> None:
    """Write one clip as MP4 (H.264 + AAC).

    Raises:
        OSError: The file cannot be written.
    """
    frames, waveform = draw_frames(bank, script, settings), mix_sound(bank, script)
    if script.degraded:
        frames = degrade_frames(frames, script.generator(_BAD_PICTURE))
        waveform = degrade_sound(waveform, script.generator(_BAD_SOUND))
    encode(path, frames, waveform, settings.frames_per_second)


def draw_frames(bank: Bank, script: ClipScript, settings: ComposeSettings) -> NDArray[np.uint8]:
    """Draw the visual track, uint8 [N, H, W, 3] with N = 10 s times the frame rate.

    Takes change at whole seconds; half of the changes are softened by one frame that shows both, the first of the new
    second, so that the second before stays pure.
    """
    generator = script.generator(_CAMERA)
    per_second = settings.frames_per_second
    frames = np.empty((CLIP_SECONDS * per_second, settings.height, settings.width, 3), np.uint8)
    for take in script.pictures:
        start, end = take.start_seconds * per_second, take.end_seconds * per_second
        if take.item:
            pixels = bank.load_picture(take.item)
        else:
            pixels = surface(settings.width * 3 // 2, settings.height * 3 // 2, generator)
        _film(pixels, frames[start:end], take, generator)
        if start and generator.random() < 0.5:
            frames[start] = (frames[start].astype(np.uint16) + frames[start - 1]) // 2
    return frames


def _film(pixels: NDArray[np.uint8], frames: NDArray[np.uint8], take: Take, generator: np.random.Generator) -> None:
    """Fill ``frames`` [N, H, W, 3] with a slow zoom and pan over a picture of any size."""
    image = Image.fromarray(pixels)
    if generator.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    light = np.clip(np.arange(256) * generator.uniform(0.85, 1.12) + generator.uniform(-10, 10), 0, 255)
    image = image.point(np.tile(light.astype(np.uint8), 3).tolist())
    count, height, width, _ = frames.shape
    image = _with_margins(image, width / height)
    # Not larger than needed: the camera's many small resizings then cost half as much.
    excess = min(image.width / width, image.height / height) / 1.3
    if excess > 1:
        image = image.resize((round(image.width / excess), round(image.height / excess)), Image.Resampling.LANCZOS)
    # Windows of the frames' shape, as large as fits; the camera looks at 0.82 to 1 of that, and moves slowly.
    largest = min(image.width / width, image.height / height)
    seconds = take.end_seconds - take.start_seconds
    scales = generator.uniform(0.86, 1.0) + np.array([-0.5, 0.5]) * generator.uniform(-0.03, 0.03) * seconds
    corners = []
    near = generator.uniform(0.2, 0.8, 2)
    for scale in np.clip(scales, 0.82, 1.0):
        size = np.array([width, height]) * largest * scale
        near = np.clip(near + generator.uniform(-0.025, 0.025, 2) * seconds, 0.1, 0.9)
        corner = near * (np.array([image.width, image.height]) - size)
        corners.append(np.concatenate([corner, corner + size]))
    first, last = corners
    for place in range(count):
        moved = first + (last - first) * (place / max(1, count - 1))
        box = tuple(np.clip(moved, 0, [image.width, image.height] * 2).tolist())
        frames[place] = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box))


def _with_margins(image: Image.Image, aspect: float) -> Image.Image:
    """Give a picture much taller or wider than the clip blurred margins, as television does.

    A plain crop would show a rooster's feathers and not the rooster.
    """
    width, height = image.size
    widest = aspect * _CROPPED
    if width / height > widest:
        size = (width, round(width / widest))
    elif width / height < aspect / _CROPPED:
        size = (round(height * aspect / _CROPPED), height)
    else:
        return image
    # Blurred by way of a tiny copy; darkened, so that the eye stays on the picture.
    tiny = image.resize((12, 9), Image.Resampling.BOX).point([value * 3 // 4 for value in range(256)] * 3)
    canvas = tiny.resize(size, Image.Resampling.BICUBIC)
    canvas.paste(image, ((size[0] - width) // 2, (size[1] - height) // 2))
    return canvas


def mix_sound(bank: Bank, script: ClipScript) -> Waveform:
    """Mix the audio track [S]: every sound repeated to its length, levels changed, noise underneath."""
    generator = script.generator(_MIX)
    samples = CLIP_SECONDS * RATE_HZ
    half = int(SOUND_FADE_SECONDS * RATE_HZ / 2)
    mixed = np.zeros(samples + 2 * half, np.float32)  # half a fade before the clip and after it
    ramp = np.sin(np.linspace(0, np.pi / 2, 2 * half, dtype=np.float32))
    for take in script.sounds:
        if take.item is None:
            continue
        seconds = take.end_seconds - take.start_seconds
        sound = filled(bank.load_sound(take.item), seconds + 1, generator)[: seconds * RATE_HZ + 2 * half]
        sound = sound * np.float32(10 ** (generator.uniform(-5, 3) / 20))
        sound[: 2 * half] *= ramp
        sound[-2 * half :] *= ramp[::-1]
        start = take.start_seconds * RATE_HZ
        mixed[start : start + len(sound)] += sound
    mixed = mixed[half : half + samples]
    kind = str(generator.choice(_BACKGROUND_NOISES))
    if kind != "none":
        mixed += noise(kind, samples, generator) * np.float32(10 ** (generator.uniform(-60, -41) / 20))
    # The level of the whole clip, and its slow change.
    change_db = np.interp(np.arange(samples), np.linspace(0, samples, 5), generator.uniform(-2.5, 2.5, 5))
    level_db = generator.uniform(-8, 5) + change_db
    mixed *= (10 ** (level_db / 20)).astype(np.float32)
    return mixed * min(1.0, 0.97 / (float(np.abs(mixed).max()) + 1e-9))


def encode(path: Path, frames: NDArray[np.uint8], waveform: Waveform, frames_per_second: int) -> None:
    """Encode frames [N, H, W, 3] and a mono waveform [S] as H.264 and AAC.

    One thread: clips are encoded side by side, and the result does not depend on the number of cores.

    Raises:
        OSError: The file cannot be written.
    """
    # The container is named: the file is temporary, and its suffix does not tell.
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=frames_per_second, options={"preset": "veryfast", "crf": "24"})
        video.height, video.width = frames.shape[1:3]
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        audio.bit_rate = 96_000
        # The fast coder takes a quarter of the default's time. With temporal noise shaping, FFmpeg's encoder now and
        # then gives other bytes for the same samples.
        audio.options = {"aac_coder": "fast", "aac_tns": "0"}
        for place, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = place, Fraction(1, frames_per_second)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        block = 1024  # samples in a frame of AAC
        for start in range(0, len(waveform), block):
            sound = av.AudioFrame.from_ndarray(waveform[None, start : start + block], format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
