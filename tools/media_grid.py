"""Make videos of many containers, codecs and faults with the `ffmpeg` program, and compare what `dmin.media` reads.

Usage: python tools/media_grid.py FOLDER
The pictures are numbered (25 a second, the number in black and white fields) and the sound holds one pulse a second,
each at a pitch of its own. The truth is what the `ffmpeg` program decodes, put at its timestamps. Some versions of it
guess times where a container has none: there, what was put into the file is as good. Pictures that follow a lost one
are not compared up to the next key picture, because each decoder draws them in its own way. FOLDER gets the files and
`grid.csv`, a row for each file; files that are in `grid.csv` already are not made again. The exit status is 1 if a
picture, a second or a sound (beyond 20 ms) is wrong.
"""

from __future__ import annotations

import csv
import re
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from dmin.media import decode, probe

CONTAINERS = ("mp4", "mov", "mkv", "webm", "avi", "flv", "ts", "mpg", "wmv", "ogv", "3gp", "mxf")
VIDEOS = ("libx264", "libx265", "mpeg4", "mpeg2video", "libvpx", "libvpx-vp9", "mjpeg", "libtheora")
SOUNDS = ("aac", "libmp3lame", "libopus", "libvorbis", "flac", "ac3", "mp2", "pcm_s16le")
OFFSETS = {"plain": 0.0, "lead 83 ms": -0.083, "lead 0.5 s": -0.5, "lag 0.3 s": 0.3}
"""Variants by the time at which their sound begins, in seconds after the pictures."""
WITH_MATRIX = ("mp4", "mov", "3gp")
SECONDS = 6
RATE_HZ = 48_000
HEIGHT, WIDTH, BITS = 96, 160, 8
FRAMES_EACH = 5
MOST_MILLISECONDS = 20.0
NUMBERS = {
    "even": list(range(SECONDS * 25)),
    "VFR": [number for number in range(SECONDS * 25) if number % 50 < 20 or number % 10 == 0],
}
"""Numbers of the pictures, 25 a second, by the name of their source."""
DAMAGED_SECONDS = (3.2, 5.2)
"""Where pictures of a file with lost packets are not compared."""


@dataclass(frozen=True)
class Row:
    """What became of one file."""

    file: str
    sound: str
    truth: str
    """What was compared with."""
    seconds: int
    """That dmin counts."""
    right_seconds: int
    wrong_pictures: int
    """Of five a second."""
    sound_milliseconds: float
    """Farthest that a second's sound is from its place."""

    @property
    def is_right(self) -> bool:
        """Whether all of it is in its place."""
        return (
            self.seconds == self.right_seconds
            and not self.wrong_pictures
            and self.sound_milliseconds <= MOST_MILLISECONDS
        )


@dataclass(frozen=True)
class Truth:
    """What a file should show."""

    name: str
    pictures: NDArray[np.uint8]
    """[N, H, W, 3]"""
    picture_seconds: NDArray[np.float64]
    """[N], from the start of the file, increasing."""
    waveform: NDArray[np.float32]
    """[S], from the start of the file."""
    end_seconds: float


def picture(number: int) -> NDArray[np.uint8]:
    """A picture that says its number in its upper half, and which side is left in the lower one."""
    frame = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for bit in range(BITS):
        frame[: HEIGHT // 2, bit * WIDTH // BITS : (bit + 1) * WIDTH // BITS] = 255 * (number >> bit & 1)
    frame[HEIGHT // 2 :, : WIDTH // 4] = (255, 0, 0)
    return frame


def sound() -> NDArray[np.int16]:
    """A pulse a quarter of a second after each second's start."""
    times = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    since = times % 1 - 0.235
    bell = np.where((since > 0) & (since < 0.03), np.sin(np.pi * since / 0.03) ** 2, 0)
    wave = 0.6 * bell * np.sin(2 * np.pi * (600 + 150 * np.floor(times)) * times)
    return (wave * 32767).astype(np.int16)


def make_sources(folder: Path) -> None:
    """Write the pictures at an even and at a varying rate, and the sound."""
    for name, kept in NUMBERS.items():
        with av.open(str(folder / f"{name}.nut"), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for number in kept:
                frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    with av.open(str(folder / "pulses.wav"), "w") as container:
        track = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        piece = av.AudioFrame.from_ndarray(sound()[None], format="s16", layout="mono")
        piece.rate = RATE_HZ
        container.mux(track.encode(piece))


def ffmpeg(*words: object) -> subprocess.CompletedProcess[bytes]:
    """Run the program; its words are on stderr."""
    command = ["ffmpeg", "-nostdin", "-y", "-hide_banner", *map(str, words)]
    return subprocess.run(command, capture_output=True, check=False, timeout=300)


def encode(folder: Path, path: Path, video: str, track: str, *, pictures: str, offset_seconds: float) -> bool:
    """Write one file; False if ffmpeg refuses it."""
    inputs = ("-i", folder / f"{pictures}.nut", "-itsoffset", offset_seconds, "-i", folder / "pulses.wav")
    fast = {
        "libx264": ("-preset", "ultrafast", "-bf", 2),
        "libx265": ("-preset", "ultrafast", "-x265-params", "log-level=error"),
        "libvpx": ("-deadline", "realtime", "-cpu-used", 8),
        "libvpx-vp9": ("-deadline", "realtime", "-cpu-used", 8),
    }.get(video, ("-q:v", 3))
    rate = ("-ar", 44_100) if path.suffix == ".flv" else ()
    mode = ("-fps_mode", "vfr") if pictures == "VFR" else ()
    words = ("-map", "0:v", "-map", "1:a", "-c:v", video, "-g", 25, *fast, *mode, "-c:a", track, *rate)
    return ffmpeg(*inputs, *words, path).returncode == 0


def without_packets(source: Path, path: Path) -> None:
    """Copy a file but for the sound of its third second and some pictures of its fourth."""
    with av.open(str(source)) as given, av.open(str(path), "w") as copy:
        streams = {stream.index: copy.add_stream_from_template(stream) for stream in given.streams}
        starts: dict[int, float] = {}
        for packet in given.demux():
            if not packet.size:
                continue
            ticks = packet.pts if packet.dts is None else packet.dts
            if ticks is not None:
                seconds = float(ticks * packet.time_base)
                since = seconds - starts.setdefault(packet.stream.index, seconds)
                lost = (2.1, 2.7) if packet.stream.type == "audio" else (3.3, 3.7)
                if lost[0] < since < lost[1] and not (packet.stream.type == "video" and packet.is_keyframe):
                    continue
            packet.stream = streams[packet.stream.index]
            copy.mux(packet)


def turned(source: Path, path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Copy an MP4 file with another display matrix (a, b, c, d) of its pictures."""
    content = bytearray(source.read_bytes())
    at = content.index(b"tkhd")
    while content[at + 40 : at + 41] != b"\0" or not any(content[at + 80 : at + 84]):  # a sound's width is 0
        at = content.index(b"tkhd", at + 1)
    a, b, c, d = (value << 16 for value in matrix)
    struct.pack_into(">9i", content, at + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def truth_of(path: Path) -> Truth | None:
    """Decode by the `ffmpeg` program; None if it reads no picture or no sound, or gives no timestamps."""
    shown = ffmpeg("-copyts", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-vf", "showinfo",
                   "-pix_fmt", "rgb24", "-f", "rawvideo", "-")  # fmt: skip
    heard = ffmpeg("-copyts", "-i", path, "-map", "0:a:0", "-af", "ashowinfo", "-ac", 1, "-f", "f32le", "-")
    times = [float(text) for text in re.findall(rb"Parsed_showinfo.* n: *\d+ .*?pts_time:(\S+)", shown.stderr)]
    sizes = re.findall(rb"Parsed_showinfo.* s:(\d+)x(\d+)", shown.stderr)
    lines = re.findall(rb"Parsed_ashowinfo.*pts_time:(\S+) .*rate:(\d+) nb_samples:(\d+)", heard.stderr)
    if not times or not lines or len(set(sizes)) != 1:
        return None
    width, height = map(int, sizes[0])
    pictures = np.frombuffer(shown.stdout, np.uint8).reshape(-1, height, width, 3)
    picture_seconds = np.sort(times[: len(pictures)])
    samples = np.frombuffer(heard.stdout, "<f4")
    first, last = float(lines[0][0]), float(lines[-1][0]) + int(lines[-1][2]) / int(lines[-1][1])
    origin = picture_seconds[0] if 0 < picture_seconds[0] - first < 0.1 else min(first, picture_seconds[0])
    end = max(last, picture_seconds[-1] + 1 / 25) - origin
    waveform = np.zeros(round((end + 1) * RATE_HZ), np.float32)
    read = 0
    for time, rate, count in lines:
        piece = samples[read : read + int(count)]
        read += int(count)
        places = np.round((float(time) - origin) * RATE_HZ + np.arange(len(piece)) * RATE_HZ / int(rate)).astype(int)
        inside = (places >= 0) & (places < len(waveform))
        waveform[places[inside]] = piece[inside]
    return Truth("ffmpeg", pictures, picture_seconds - origin, waveform, end)


def truth_as_made(pictures: str, offset_seconds: float) -> Truth:
    """What was put in."""
    origin = offset_seconds if offset_seconds <= -0.1 else 0.0
    waveform = np.zeros(round((SECONDS + 2) * RATE_HZ), np.float32)
    start = round((offset_seconds - origin) * RATE_HZ)
    wave = sound()[max(-start, 0) :] / np.float32(32767)
    waveform[max(start, 0) : max(start, 0) + len(wave)] = wave
    numbers = NUMBERS[pictures]
    end = max(numbers[-1] / 25 + 1 / 25, SECONDS + offset_seconds) - origin
    return Truth(
        "as made", np.stack([picture(number) for number in numbers]), np.array(numbers) / 25 - origin, waveform, end
    )


def compare(path: Path, truth: Truth, track: str) -> Row:
    """Read one file by dmin and hold it against the truth."""
    segments = list(decode(path, frames_per_second=FRAMES_EACH, rate_hz=RATE_HZ, frame_size=None))
    wrong, worst = 0, 0.0
    for segment in segments:
        for index, frame in enumerate(segment.frames):
            instant = segment.start_seconds + (index + 0.5) / FRAMES_EACH
            # Timestamps are rounded, to milliseconds in some containers: a picture on the edge may be either.
            near = np.searchsorted(truth.picture_seconds, [instant - 0.002, instant + 0.002], "right") - 1
            if " lost packets" in path.stem and DAMAGED_SECONDS[0] < instant < DAMAGED_SECONDS[1]:
                continue
            errors = np.abs(truth.pictures.astype(np.int16) - frame).mean((1, 2, 3))
            wrong += errors[np.maximum(near, 0)].min() > errors.min() + 2 or errors.min() > 8
        start = round(segment.start_seconds * RATE_HZ)
        worst = max(worst, lag_milliseconds(segment.waveform, truth.waveform, start))
    count = len(segments) if abs(truth.end_seconds % 1 - 0.5) < 0.06 else max(1, int(truth.end_seconds + 0.5))
    return Row(path.name, track, truth.name, len(segments), count, int(wrong), round(worst, 1))


def lag_milliseconds(heard: NDArray[np.float32], waveform: NDArray[np.float32], start: int) -> float:
    """How far a second of sound is from its place, by correlation; 1000 where one is silent and the other is not."""
    right = waveform[start : start + len(heard)]
    loud = [np.abs(wave).max(initial=0) > 0.05 for wave in (heard, right)]
    if loud[0] != loud[1]:
        return 1000.0
    if not loud[0]:
        return 0.0
    size = len(heard) + len(right)
    products = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(right, size)), size)
    lag = int(products.argmax())
    return abs(lag if lag < size // 2 else lag - size) / RATE_HZ * 1000


def files(folder: Path, known: set[str]) -> Iterator[tuple[Path, str]]:
    """Make the files one by one, with the codec of their sound."""
    for container_index, container in enumerate(CONTAINERS):
        for video_index, video in enumerate(VIDEOS):
            turn = (container_index + video_index) % len(SOUNDS)
            for track in SOUNDS[turn:] + SOUNDS[:turn]:
                plain = folder / f"{video} plain.{container}"
                if not encode(folder, plain, video, track, pictures="even", offset_seconds=0.0) or not truth_of(plain):
                    continue
                makers: dict[str, Callable[[Path], object]] = {
                    name: lambda path, track=track, offset=offset, video=video: encode(
                        folder, path, video, track, pictures="even", offset_seconds=offset
                    )
                    for name, offset in OFFSETS.items()
                }
                makers["VFR"] = lambda path, track=track, video=video: encode(
                    folder, path, video, track, pictures="VFR", offset_seconds=0.0
                )
                makers["lost packets"] = lambda path, plain=plain: without_packets(plain, path)
                if container in WITH_MATRIX:
                    makers["rotated"] = lambda path, plain=plain: turned(plain, path, (0, 1, -1, 0))
                    makers["mirrored"] = lambda path, plain=plain: turned(plain, path, (-1, 0, 0, 1))
                for name, make in makers.items():
                    path = folder / f"{video} {name}.{container}"
                    if path.name not in known:
                        try:
                            make(path)
                        except (av.error.FFmpegError, ValueError) as error:
                            print(f"not made: {path.name}: {error}", flush=True)
                            continue
                        yield path, track
                break


def main() -> int:
    """Make and compare all."""
    if len(sys.argv) != 2:
        sys.stderr.write(__doc__ or "")
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    make_sources(folder)
    table = folder / "grid.csv"
    names = [field.name for field in fields(Row)]
    rows: list[Row] = []
    if table.is_file():
        with table.open(newline="") as file:
            for given in csv.DictReader(file):
                counts = [int(given[name]) for name in names[3:6]]
                rows.append(Row(given["file"], given["sound"], given["truth"], *counts, float(given[names[6]])))
    else:
        table.write_text(",".join(names) + "\n")
    for path, track in files(folder, {row.file for row in rows}):
        truth = truth_of(path) if path.is_file() else None
        if truth is None:
            print(f"ffmpeg does not read {path.name}", flush=True)
            continue
        row = compare(path, truth, track)
        variant = path.stem.partition(" ")[2]
        if not row.is_right and variant in (*OFFSETS, "VFR"):
            made = truth_as_made("VFR" if variant == "VFR" else "even", OFFSETS.get(variant, 0.0))
            row = min(row, compare(path, made, track), key=lambda row: not row.is_right)
        rows.append(row)
        with table.open("a", newline="") as file:
            csv.DictWriter(file, names).writerow(asdict(rows[-1]))
        if not rows[-1].is_right:
            print(f"wrong: {rows[-1]} (starts at {probe(path).start_seconds:.3f} s)", flush=True)
    wrong = sum(not row.is_right for row in rows)
    made = sum(row.is_right and row.truth == "as made" for row in rows)
    print(f"{len(rows)} files, {wrong} wrong, {made} right only by what was put in")
    print(f"farthest sound: {max(row.sound_milliseconds for row in rows):.1f} ms")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
