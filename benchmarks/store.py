"""Seconds and memory of opening, resuming and training on a store of a million clips, against reading all of it.

uv run python benchmarks/store.py
uv run python benchmarks/store.py --clips 100000 --sample 10000

The clips are hard links to a few files of two seconds, which is cheap to make, and needs less of the disk than files of
their own would: every way of opening is faster here than on a cold disk, the naive one most of all. Each measurement is
a process of its own; its memory is counted from what it had after loading dmin. The naive way lists the store, opens
every file of features, and reads the ends of every video: listing is measured whole, reading on a sample and
extrapolated. Its memory is that of the sample.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch

from dmin.backbones import Backbone, Card
from dmin.data.clips import ClipDataset
from dmin.data.folder import DataFolder
from dmin.features import ClipFeatures, FeatureStore, Settings, extract, find_videos
from dmin.features.fingerprint import fingerprint, stamp
from dmin.features.index import Entry, Index
from measuring import in_new_process, peak_megabytes

SECONDS = 2
LINKS = 50_000
"""Links to one file; file systems allow some 65,000."""
_NONE = dict.fromkeys(("input", "source", "licence", "citation"), "none") | {"version": "1"}


class Eye(Backbone):
    """Never asked: the one video that is missing cannot be read."""

    card = Card(name="eye", modality="visual", output_shape=(1, 1, 2), frames_per_second=1.0, rate_hz=0, **_NONE)


class Ear(Backbone):
    """Never asked either."""

    card = Card(name="ear", modality="audio", output_shape=(2,), frames_per_second=0.0, rate_hz=8000, **_NONE)


@dataclass(frozen=True)
class Cost:
    """What a measurement took."""

    seconds: float
    megabytes: float
    """Peak, beyond what the process had at its start."""


def names(clips: int) -> Iterator[str]:
    """Ids in folders of a thousand."""
    return (f"part{number // 1000:05d}/clip{number:08d}" for number in range(clips))


def make(folder: Path, clips: int) -> None:
    """A data set and its store, complete but for the last clip."""
    store = FeatureStore.create(folder / "store", Settings.of(Eye.card, Ear.card))
    video = folder / "video"
    video.write_bytes(b"no video, but the size of one's two ends" * 4000)
    clip = ClipFeatures(torch.zeros(SECONDS, 1, 1, 2), torch.zeros(SECONDS, 2), float(SECONDS))
    pattern = FeatureStore.create(folder / "pattern", store.settings)
    pattern.write("clip", clip, fingerprint(video))
    features = pattern.path("clip")
    (folder / "data" / "splits").mkdir(parents=True)
    files = {"features": features, "video": video}
    index, entry = Index(store.folder / "index"), Entry(SECONDS, float(SECONDS), features.stat().st_size, "")
    lines: list[tuple[str, Entry]] = []
    with (folder / "data" / "Annotations.txt").open("w") as annotations, split(folder).open("w") as ids:
        for number, name in enumerate(names(clips)):
            if number % LINKS == 0:
                for kind, original in ({"features": features, "video": video}).items():
                    files[kind] = Path(shutil.copy2(original, folder / f"{kind}{number}"))
                source, state = fingerprint(files["video"]), stamp(files["video"])
                entry = Entry(SECONDS, float(SECONDS), features.stat().st_size, source, (state,))
            link(files["video"], folder / "data" / "videos" / f"{name}.mp4")
            if number == clips - 1:
                break
            link(files["features"], store.path(name))
            annotations.write(f"Dog&{name}&good&0&1\n")
            ids.write(f"{name}\n")
            lines.append((name, entry))
            if len(lines) == LINKS:
                index.add(lines)
                lines = []
    index.add(lines)
    for name in ("Annotations.txt", "splits/train.txt"):
        (store.folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "data" / name, store.folder / name)


def split(folder: Path) -> Path:
    """The list of clips for training."""
    return folder / "data" / "splits" / "train.txt"


def link(file: Path, place: Path) -> None:
    """Link a file, in a folder that is made if need be."""
    try:
        os.link(file, place)
    except FileNotFoundError:
        place.parent.mkdir(parents=True)
        os.link(file, place)


def open_store(folder: Path) -> None:
    """Open a store and look one clip up."""
    assert next(names(1)) in FeatureStore.open(folder / "store")


def open_naively(folder: Path) -> Iterator[None]:
    """Open a store and list it; then open the file of each clip."""
    store = FeatureStore.open(folder / "store")
    ids = store.ids()
    yield
    for video_id in ids:
        store.read(video_id)
        yield


def resume(folder: Path) -> None:
    """Extract again with all clips there but one, whose video cannot be read."""
    report = extract(folder / "data", folder / "store", visual=Eye(), audio=Ear())
    assert (len(report.done), len(report.failed)) == (0, 1)


def resume_naively(folder: Path) -> Iterator[None]:
    """List the videos; then compare the fingerprint of each with that in its file of features."""
    store, videos = FeatureStore.open(folder / "store"), find_videos(folder / "data")
    yield
    for video_id, path in videos.items():
        assert video_id not in store or store.source(video_id) == fingerprint(path)  # one is not
        yield


def open_split(folder: Path) -> None:
    """Open a split for training."""
    ClipDataset(folder / "store", "train")


def open_split_naively(folder: Path) -> Iterator[None]:
    """Read the annotations; then open the file of each clip for its length."""
    data, store = DataFolder.open(folder / "store"), FeatureStore.open(folder / "store")
    yield
    for video_id in data.split("train"):
        len(store.read(video_id))
        yield


WAYS = {
    "opening the store": (open_store, open_naively),
    "resuming, one left": (resume, resume_naively),
    "opening a split": (open_split, open_split_naively),
}


def cost(work: Callable[[Path], None], folder: Path) -> Cost:
    """Run some work in this process, which does nothing else."""
    before, start = peak_megabytes(), time.perf_counter()
    work(folder)
    return Cost(time.perf_counter() - start, peak_megabytes() - before)


def extrapolated_cost(work: Callable[[Path], Iterator[None]], folder: Path, clips: int, sample: int) -> Cost:
    """List in this process, and read a sample: the first is timed whole, the second on its own, for all clips."""
    before, start = peak_megabytes(), time.perf_counter()
    steps = work(folder)
    next(steps)
    listed = time.perf_counter()
    done = sum(1 for _ in islice(steps, sample))
    reading = time.perf_counter() - listed
    return Cost(listed - start + reading * clips / done, peak_megabytes() - before)


def main() -> None:
    """Print a line for each way to use the store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, default=20_000, help="clips that the naive way is measured on")
    parser.add_argument("--folder", type=Path, help="where to make the store; by default where temporary files go")
    options = parser.parse_args()
    sample = min(options.sample, options.clips)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        making = in_new_process(cost, partial(make, clips=options.clips), folder)
        print(f"{options.clips:,} clips, made in {making.seconds:.0f} s; naive way measured on {sample:,} of them")
        print(
            "                        seconds   peak MB    naive: seconds   its peak MB    ratio of seconds", flush=True
        )
        for words, (work, naive) in WAYS.items():
            ours = in_new_process(cost, work, folder)
            theirs = in_new_process(extrapolated_cost, naive, folder, options.clips, sample)
            print(
                f"{words:<20}{ours.seconds:11.3f}{ours.megabytes:10.0f}{theirs.seconds:18.1f}{theirs.megabytes:14.0f}"
                f"{theirs.seconds / ours.seconds:20.1f}   {'extrapolated' if sample < options.clips else 'measured'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
