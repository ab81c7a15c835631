"""Labels made in other tools, brought into the folder that `dmin extract` takes: videos, annotations, splits."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import numpy as np

from dmin.data.annotations import BACKGROUND, SPLITS, Annotation, write_annotations
from dmin.data.folder import write_split
from dmin.errors import DataError
from dmin.features.extract import SEEN_FILE
from dmin.features.sources import VIDEO_SUFFIXES, find_videos, videos_below
from dmin.results.formats import one_line
from dmin.results.formats.reading import Label, read_labels

Overlap = Literal["first", "longest", "error"]
"""Treatment of two events of different categories at one time: the one that starts first keeps it, or the longest one,
or the import is refused."""


@dataclass(frozen=True)
class ImportOptions:
    """Options of an import."""

    group_by: str | None = None
    """A regular expression on a video's name without its ending: videos of one match are in one split. By default each
    video is a group of its own."""
    on_overlap: Overlap = "first"
    """Treatment of events of two categories at one time."""
    split_shares: tuple[float, float, float] = (0.7, 0.15, 0.15)
    """Shares of the videos in train, val and test."""
    seed: int = 0
    """Of the order in which equal groups are dealt."""

    def __post_init__(self) -> None:
        if min(self.split_shares) < 0 or abs(sum(self.split_shares) - 1) > 1e-6:
            raise DataError(f"split_shares are {list(self.split_shares)}: must be at least 0 and sum to 1")
        try:
            re.compile(self.group_by or "")
        except re.error as error:
            raise DataError(f"group_by is {self.group_by!r}, no regular expression ({error})") from error


@dataclass(frozen=True)
class ImportReport:
    """Outcome of an import."""

    folder: Path
    """The data-set folder."""
    counts: Mapping[str, Mapping[str, int]] = field(repr=False)
    """Number of videos with an event of a category, by category and split; "Background" for those without any."""
    notes: tuple[str, ...] = ()
    """One sentence for each thing that was left out or changed."""


def import_labels(
    files: Iterable[str | Path], videos: str | Path, out: str | Path, options: ImportOptions | None = None
) -> ImportReport:
    """Make a data-set folder of label files and videos; the videos are linked, not copied.

    Args:
        files: Files of labels, of any kind that `dmin.results.formats.reading` knows. One without a label says that its
            video holds no event.
        videos: The folder with the videos, and folders below.
        out: A new folder.
        options: Grouping, overlaps, splits.

    Raises:
        DataError: A file cannot be read, nothing fits a video, events overlap and may not, or the folder is not empty.
    """
    options, out = options or ImportOptions(), Path(out)
    refuse_filled(out)
    there = videos_by_id(Path(videos))
    notes: Counter[str] = Counter()
    found = _by_video([Path(file) for file in files], there, notes)
    lines: list[Annotation] = []
    categories: dict[str, set[str]] = {}
    for video_id, labels in found.items():
        kept = _without_overlaps(labels, options.on_overlap, video_id, notes)
        categories[video_id] = {label.category for label in kept}
        lines += [
            Annotation(label.category, video_id, "good", label.start_seconds, label.end_seconds) for label in kept
        ]
        if not kept:
            lines.append(Annotation(BACKGROUND, video_id, "good", 0.0, 0.0))
    splits = deal_groups(categories, options)
    write_data_folder(out, lines, splits, {video_id: there[video_id] for video_id in found})
    counts = count_videos(categories, splits)
    sentences = [f"{words}: {number}" for words, number in notes.items()]
    if unlabelled := len(there) - len(found):
        sentences.append(f"{unlabelled} of {len(there)} videos have no file of labels, and were left out")
    if lacking := [name for name in counts if name != BACKGROUND and not all(counts[name].values())]:
        sentences.append(
            f"too few videos, or groups of --group-by, to be in every split: {', '.join(lacking)}; label more, or move "
            f"ids between the files in {out / 'splits'}"
        )
    return ImportReport(out, counts, tuple(sentences))


def refuse_filled(folder: Path) -> None:
    """Make sure that a folder is new or empty.

    Raises:
        DataError: There is something in it.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} is not empty: choose a new folder")


def write_data_folder(
    out: Path,
    lines: Iterable[Annotation],
    splits: Mapping[str, Sequence[str]],
    videos: Mapping[str, Path],
    seen: Iterable[str] | None = None,
) -> None:
    """Write a data-set folder; its videos are links.

    Args:
        out: The folder, new or empty.
        lines: Annotations.
        splits: Ids by the name of the split; one without ids gets no file.
        videos: Files of the videos, by the ids that they get.
        seen: Categories that training has, whatever clips are here; None if the training split tells.

    Raises:
        DataError: A category or an id that a line cannot hold.
        StoreWriteError: A file cannot be written.
    """
    (out / "videos").mkdir(parents=True, exist_ok=True)
    (out / "splits").mkdir(exist_ok=True)
    for video_id, path in videos.items():
        (out / "videos" / f"{video_id}{path.suffix}").symlink_to(path.resolve())
    for split, ids in splits.items():
        if ids:
            write_split(out / "splits" / f"{split}.txt", ids)
    if seen is not None:
        write_split(out / SEEN_FILE, seen)
    write_annotations(out / "Annotations.txt", lines)


def count_videos(
    categories: Mapping[str, Collection[str]], splits: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, int]]:
    """Number of videos by category and split, as in `ImportReport.counts`.

    Args:
        categories: Categories of each video's events, by its id.
        splits: Ids by the name of the split.
    """
    found = {
        split: Counter(name for i in ids for name in categories[i] or [BACKGROUND]) for split, ids in splits.items()
    }
    names = sorted({name for held in categories.values() for name in held})
    return {name: {split: found[split][name] for split in splits} for name in (*names, BACKGROUND)}


def videos_by_id(folder: Path) -> dict[str, Path]:
    """Videos in a folder and below by id; links to one file are one video.

    Raises:
        DataError: There is none, two share an id, or a name holds ``&``.
    """
    if not (below := videos_below(folder)):
        raise DataError(f"no video in {folder} or below: known suffixes are {', '.join(VIDEO_SUFFIXES)}")
    found = find_videos({path.resolve(): path for path in reversed(below)}.values())
    if odd := [video_id for video_id in found if "&" in video_id]:
        raise DataError(f"the name of the video {odd[0]!r} holds &, which annotation lines cannot: rename it")
    return found


def _by_video(files: Sequence[Path], there: Mapping[str, Path], notes: Counter[str]) -> dict[str, list[Label]]:
    """Labels of each video that has a file of them, by its id, in order of the ids."""
    found: dict[str, list[Label]] = {}
    unknown: Counter[str] = Counter()
    for file in files:
        labels = read_labels(file)
        if not labels and (video_id := _id_of(file.name, there)):
            found.setdefault(video_id, [])  # looked through, and nothing was there
        for label in labels:
            name = file.name if label.video is None else label.video
            if (video_id := _id_of(name, there) or _id_of(file.name, there)) is None:
                unknown[name] += 1
                continue
            held = found.setdefault(video_id, [])
            category = one_line(label.category).replace("&", "and")
            if not category:
                notes["labels without words, left out"] += 1
            elif label.end_seconds <= label.start_seconds:
                notes["labels that end where they start, or before, left out"] += 1
            elif category.lower() != BACKGROUND.lower():
                held.append(Label(video_id, label.start_seconds, label.end_seconds, category))
    if not found:
        named = f", e.g. {next(iter(unknown))!r}" if unknown else ""
        raise DataError(f"no label is of one of the {len(there)} videos{named}: name videos as their files are named")
    if unknown:
        notes[f"labels of videos that are not there, left out (first video: {next(iter(unknown))})"] = unknown.total()
    return dict(sorted(found.items()))


def _id_of(name: str, there: Mapping[str, Path]) -> str | None:
    """The id of the video that a file or a link stands for; None if it is not there."""
    stem = Path(unquote(name).replace("\\", "/")).name
    # Label Studio puts eight digits before the names of files that were uploaded.
    for candidate in (stem, re.sub(r"^[0-9a-f]{8}-", "", stem)):
        for ending in ("", Path(candidate).suffix, "".join(Path(candidate).suffixes)):
            if (video_id := candidate.removesuffix(ending)) in there:
                return video_id
    return None


def _without_overlaps(labels: Sequence[Label], rule: Overlap, video_id: str, notes: Counter[str]) -> list[Label]:
    """Labels of which no two of different categories share a moment; what another one holds is cut off.

    Raises:
        DataError: Two do, and may not.
    """
    order = sorted(labels, key=lambda label: (label.start_seconds, label.end_seconds))
    if rule == "longest":
        order.sort(key=lambda label: label.start_seconds - label.end_seconds)
    kept: list[Label] = []
    for label in order:
        pieces = [(label.start_seconds, label.end_seconds)]
        for other in kept:
            if other.category != label.category:
                pieces = [piece for old in pieces for piece in _outside(old, other)]
        if pieces != [(label.start_seconds, label.end_seconds)]:
            if rule == "error":
                raise DataError(
                    f"{video_id}: {label.category} from {label.start_seconds:g} to {label.end_seconds:g} s overlaps an "
                    "event of another category: give --on-overlap first or longest, or mend the labels"
                )
            notes[f"events cut where they overlap another category's, the {rule} one kept whole"] += 1
        kept += [Label(video_id, start, end, label.category) for start, end in pieces]
    return sorted(kept, key=lambda label: label.start_seconds)


def _outside(piece: tuple[float, float], other: Label) -> list[tuple[float, float]]:
    """The parts of a piece of time that a label leaves free."""
    start, end = piece
    parts = [(start, min(end, other.start_seconds)), (max(start, other.end_seconds), end)]
    return [part for part in parts if part[1] > part[0]]


def deal_groups(categories: Mapping[str, set[str]], options: ImportOptions) -> dict[str, list[str]]:
    """Deal videos to splits, group by group, so that each split has each category where there are groups enough.

    Iterative stratification (Sechidis, Tsoumakas, Vlahavas; ECML PKDD 2011): the rarest category is dealt first, each
    group to the split that lacks it most.

    Args:
        categories: The categories of each video, by its id.
        options: Grouping, shares and seed.

    Returns:
        Ids of each split, sorted.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for video_id in categories:
        match = re.search(options.group_by, video_id) if options.group_by else None
        groups[video_id if match is None else match[1] if match.re.groups else match[0]].append(video_id)
    held = {name: {c or BACKGROUND for i in ids for c in categories[i] or {""}} for name, ids in groups.items()}
    shares = dict(zip(SPLITS, options.split_shares, strict=True))
    total = Counter(category for names in held.values() for category in names)
    wanted = {split: {category: share * total[category] for category in total} for split, share in shares.items()}
    room = {split: share * len(categories) for split, share in shares.items()}
    open_splits = [split for split in SPLITS if shares[split]]
    waiting = [list(groups)[place] for place in np.random.default_rng(options.seed).permutation(len(groups))]
    dealt: dict[str, list[str]] = {split: [] for split in SPLITS}
    has: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    while waiting:
        left = Counter(category for name in waiting for category in held[name])
        rarest = min(left, key=lambda category: (left[category], category))
        name = next(name for name in waiting if rarest in held[name])
        without = [split for split in open_splits if not has[split][rarest]]
        among = without if left[rarest] <= len(without) else open_splits
        split = max(among, key=lambda split: (wanted[split][rarest], room[split]))
        waiting.remove(name)
        dealt[split] += groups[name]
        room[split] -= len(groups[name])
        has[split].update(held[name])
        for category in held[name]:
            wanted[split][category] -= 1
    return {split: sorted(ids) for split, ids in dealt.items()}
