"""Composing a data set: AVE-like clips with exact truth, out of a bank of pictures and sounds."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dmin.data.annotations import BACKGROUND, SPLITS, write_annotations
from dmin.errors import DataError
from dmin.features.workers import cores, on_this_machine
from dmin.files import in_place_of, remove_stale, write_atomically
from dmin.lab.compose.banks.bank import Bank
from dmin.lab.compose.deal import draw_scripts, statistics
from dmin.lab.compose.script import ClipScript, ComposeSettings
from dmin.progress import Progress, silent

__all__ = ["ComposeReport", "ComposeSettings", "compose"]

_FORMAT = 1  # of what a seed means: another number, other clips


@dataclass(frozen=True)
class ComposeReport:
    """Outcome of `compose`."""

    folder: Path
    """The data set: videos/, Annotations.txt, splits/, manifest.json."""
    made: int
    """Clips written now."""
    reused: int
    """Clips that were there already."""
    categories: tuple[str, ...]
    """Names of the clips' categories."""
    event_share: float
    """Share of all seconds that are event."""
    statistics: dict[str, dict[str, Any]]
    """Counts of each split and of all, as in manifest.json."""


def compose(
    bank: Bank,
    clips: int,
    out: str | Path,
    *,
    seed: int = 0,
    workers: int | None = None,
    settings: ComposeSettings | None = None,
    progress: Progress = silent,
) -> ComposeReport:
    """Write a data set of 10-s videos whose truth is known to the second.

    An event second is one in which the clip's category is both seen and heard. What surrounds the events, and fills the
    clips that have none, are the hard cases of `dmin.lab.compose.script.SITUATIONS`. The three splits share no item
    and no source of the bank.

    Called again for the same folder, it makes what is missing; a larger ``clips`` adds to what is there. With more than
    one worker, a script that calls this needs the usual ``if __name__ == "__main__":``.

    Args:
        bank: Where pictures and sounds come from, e.g. ``open_bank("scenes")``.
        clips: How many.
        out: Folder to write to: ``videos/<id>.mp4``, ``Annotations.txt``, ``splits/{train,val,test}.txt`` and
            ``manifest.json`` with settings, statistics and every clip's script.
        seed: Another seed, other clips; the bank's division into splits stays (`ComposeSettings.split_seed`).
        workers: Processes; None takes one a CPU. The clips do not depend on it.
        settings: How to compose.
        progress: Told about every clip.

    Raises:
        DataError: The folder holds something else or cannot be written, too few clips, or a file of the bank cannot
            be read any more.
    """
    out, settings = Path(out), settings or ComposeSettings()
    if seed < 0:
        raise DataError(f"seed must be 0 or larger, got {seed}")
    if workers is not None and workers < 1:
        raise DataError(f"workers must be at least 1, got {workers}")
    scripts = draw_scripts(bank, clips, seed, settings)
    counts = statistics(scripts)
    _begin(out, _manifest(bank, scripts, seed, settings, counts))
    videos = out / "videos"
    missing = [script for script in scripts if not (videos / f"{script.video_id}.mp4").exists()]
    reused = len(scripts) - len(missing)
    progress("compose", reused, len(scripts))
    for done, _ in enumerate(_render_all(bank, missing, settings, videos, workers or cores()), start=1):
        progress("compose", reused + done, len(scripts))
    _finish(out, scripts)
    share = counts["all"]["event_share"]
    return ComposeReport(out, len(missing), reused, bank.categories, share, counts)


def _manifest(
    bank: Bank, scripts: Sequence[ClipScript], seed: int, settings: ComposeSettings, counts: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """All that is known before the first clip is made; ``identity`` is what a folder must not change."""
    names = [
        (item.name, item.source)
        for category in (*bank.categories, BACKGROUND)
        for item in (*bank.pictures(category), *bank.sounds(category))
    ]
    identity = {
        "format": _FORMAT,
        "bank": bank.name,
        "bank_items": len(names),
        "bank_fingerprint": hashlib.sha256(repr(names).encode()).hexdigest()[:16],
        "seed": seed,
        "settings": dataclasses.asdict(settings),
        "categories": list(bank.categories),
    }
    return {
        "identity": json.loads(json.dumps(identity)),  # as it will be read back: tuples are lists
        "clips": len(scripts),
        "statistics": counts,
        "scripts": [script.summary() for script in scripts],
    }


def _begin(out: Path, manifest: dict[str, Any]) -> None:
    """Make the folder, or see that it can be continued."""
    path = out / "manifest.json"
    if path.exists():
        _require_same(path, manifest)
    elif any((out / name).exists() for name in ("videos", "Annotations.txt", "splits")):
        raise DataError(f"{out} holds a data set that was not composed: choose another folder")
    try:
        (out / "videos").mkdir(parents=True, exist_ok=True)
        (out / "splits").mkdir(exist_ok=True)
        remove_stale(out / "videos")
    except OSError as error:
        raise DataError(f"cannot write to {out}: {error.strerror}") from error
    write_atomically(path, (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())


def _require_same(path: Path, manifest: dict[str, Any]) -> None:
    again = "choose another folder, or the same settings to continue"
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        identity, clips = dict(before["identity"]), int(before["clips"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a manifest of composed clips ({error}): choose another folder") from error
    for name, value in manifest["identity"].items():
        if identity.get(name) != value:
            raise DataError(f"{path.parent} was composed with {name} {identity.get(name)}, now {value}: {again}")
    if manifest["clips"] < clips:
        raise DataError(f"{path.parent} was composed with {clips} clips, more than {manifest['clips']}: {again}")


def _render_all(
    bank: Bank, scripts: Sequence[ClipScript], settings: ComposeSettings, videos: Path, workers: int
) -> Iterator[None]:
    """Render clips here or in other processes; yields once a clip."""
    make = partial(_Renderer, bank, settings, videos)
    with closing(on_this_machine(min(workers, len(scripts))).apply(make, scripts)) as rendered:
        for script, lost in rendered:
            if lost is not None:
                raise DataError(f"{script.video_id}.mp4 was not made: {lost}; the same call makes what is missing")
            yield


@dataclass(frozen=True)
class _Renderer:
    """Renders one clip after the other, in this process or in one of several."""

    bank: Bank
    settings: ComposeSettings
    videos: Path

    def __call__(self, script: ClipScript) -> None:
        render_clip(self.bank, script, self.settings, self.videos)


def render_clip(bank: Bank, script: ClipScript, settings: ComposeSettings, videos: Path) -> None:
    """Write one clip's file whole or not at all.

    Raises:
        DataError: It cannot be written, or an item of the bank cannot be read.
    """
    from dmin.lab.compose.render import render  # brings Pillow

    path = videos / f"{script.video_id}.mp4"
    try:
        with in_place_of(path) as temporary:
            render(bank, script, settings, temporary)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def _finish(out: Path, scripts: Sequence[ClipScript]) -> None:
    """Write annotations and splits: they are there only if every clip is."""
    write_annotations(out / "Annotations.txt", [script.annotation() for script in scripts])
    for split in SPLITS:
        if names := [script.video_id for script in scripts if script.split == split]:  # readers refuse an empty file
            write_atomically(out / "splits" / f"{split}.txt", "".join(f"{name}\n" for name in names).encode())
