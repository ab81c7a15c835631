"""From AVE, or from composed clips, to the feature stores on which a table is run."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dmin.backbones import card_of
from dmin.errors import DataError, unknown_name
from dmin.lab.compose.banks import BANKS
from dmin.lab.paper.grid import Material
from dmin.progress import Progress, silent

AveTask = Literal["localization", "matching"]
COMPOSED = "composed"
"""The word for clips that are made here, in place of a folder of AVE."""
_REMARK = (
    "Ours are scores on {}, the paper's are on AVE: not comparable. Measure ours against the priors: answers to the "
    "same clips that look at nothing."
)


@dataclass(frozen=True)
class SourceOptions:
    """Options of the features: bank, folder and number of composed clips; backbones of all but released features."""

    bank: str = "scenes"
    """Bank of composed clips: one of `dmin.lab.compose.banks.BANKS`."""
    folder: Path | None = None
    """Folder of the bank's files."""
    clips: int = 160
    """Number of clips to compose."""
    visual: str = "lite0"
    """Visual backbone."""
    audio: str = "sfx"
    """Audio backbone."""
    workers: int = 1
    """Processes."""

    def __post_init__(self) -> None:
        if self.bank not in BANKS:
            raise DataError(unknown_name("bank", self.bank, BANKS))
        for modality in ("visual", "audio"):
            card_of(getattr(self, modality), modality)


@dataclass(frozen=True)
class PreparedData:
    """Feature stores, and what is known of them."""

    stores: Mapping[Material, Path]
    """A store for each kind of column; several kinds may share one."""
    words: str
    """Description of the data."""
    remark: str
    """Sentence on how far results on them compare with the paper's."""
    on_ave: bool
    videos: Mapping[str, Path] = field(default_factory=dict, repr=False)
    """Video files by id, as far as there are any."""


def prepare_data(
    data: str | Path,
    out: str | Path,
    materials: Iterable[Material],
    options: SourceOptions | None = None,
    progress: Progress = silent,
) -> PreparedData:
    """Make the stores that columns need; what is there already is used again.

    Args:
        data: A folder of AVE, with the released features or with the videos; a feature store; or "composed".
        out: Where stores, and composed clips, go.
        materials: What the columns need.
        options: How the features come about.
        progress: Told about clips and videos.

    Raises:
        DataError: The folder holds neither features nor videos, or not all that is needed.
        ModelError: Unknown backbone.
    """
    out, options = Path(out), options or SourceOptions()
    wanted = tuple(dict.fromkeys(materials))
    if str(data) == COMPOSED:
        return _composed(out, wanted, options, progress)
    folder = Path(data)
    if not folder.is_dir():
        raise DataError(f"no folder {folder}: give a folder of AVE, a feature store, or the word {COMPOSED}")
    if (folder / "features").is_dir():
        return _stored(folder, wanted)
    # Imported here: reading AVE brings h5py.
    from dmin.lab.ave.check import find_video_folder
    from dmin.lab.ave.files import DOWNLOADS, PROJECT, find_file

    maps = any(find_file(folder, name) for name in ("visual_feature.h5", "visual_feature_vec.h5"))
    if maps and find_file(folder, "audio_feature.h5"):
        return _released(folder, out, wanted, progress)
    if find_video_folder(folder) is not None:
        return _videos(folder, out, wanted, options, progress)
    raise DataError(
        f"{folder} holds neither AVE's released features (audio_feature.h5 with visual_feature.h5, from {DOWNLOADS}) "
        f"nor its videos (from {PROJECT}): get the one or the other, or give a feature store or the word {COMPOSED}"
    )


def _composed(out: Path, wanted: tuple[Material, ...], options: SourceOptions, progress: Progress) -> PreparedData:
    from dmin.data.folder import DataFolder
    from dmin.features import extract
    from dmin.lab.compose.banks import open_bank
    from dmin.lab.compose.compose import compose

    bank = open_bank(options.bank, options.folder)
    data = compose(bank, options.clips, out / "clips", workers=options.workers, progress=progress)
    extract(
        data.folder,
        out / "store",
        visual=options.visual,
        audio=options.audio,
        workers=options.workers,
        progress=progress,
    ).require_all()
    return PreparedData(
        stores=dict.fromkeys(wanted, out / "store"),
        words=f"{options.clips} composed clips of the bank {options.bank}, features of {_pair(options)}",
        remark=_REMARK.format("composed clips"),
        on_ave=False,
        videos=DataFolder.open(data.folder).videos,
    )


def _stored(store: Path, wanted: tuple[Material, ...]) -> PreparedData:
    from dmin.data.annotations import SPLITS
    from dmin.data.folder import DataFolder
    from dmin.features import FeatureStore

    DataFolder.open(store)  # it must be of a data set, not of videos alone
    features, composition = FeatureStore.open(store), store / "composition.json"
    clips, what = f"{len(features)} clips", "of the reader's own"
    if composition.is_file():
        made = json.loads(composition.read_text("utf-8"))["identity"]
        what = f"composed of the bank {made['bank']}"
        if share := made["settings"].get("degrade"):
            splits = made["settings"]["degraded_splits"]
            of = "all clips" if set(splits) == set(SPLITS) else f"clips of {', '.join(splits)}"
            what += f", {share:.0%} of {of} degraded"
    pair = f"{features.settings.visual} and {features.settings.audio}"
    return PreparedData(
        stores=dict.fromkeys(wanted, store),
        words=f"{clips} {what}, features of {pair}",
        remark=_REMARK.format("these clips"),
        on_ave=False,
    )


def _released(folder: Path, out: Path, wanted: tuple[Material, ...], progress: Progress) -> PreparedData:
    from dmin.lab.ave.store import store_released

    stores: dict[Material, Path] = {}
    for material in wanted:
        noisy = material == "weak" and _has_background_clips(folder)
        stores[material] = out / _STORES["full" if material == "weak" and not noisy else material]
        report = store_released(folder, stores[material], task=_TASKS[material], noisy=noisy, progress=progress)
        report.require_all()
    return PreparedData(
        stores=stores,
        words="AVE, its released features (VGG-19 maps and VGGish)",
        remark="The same clips and features as the paper's. Its authors' code chooses the epoch on the test split, "
        "ours on the validation split.",
        on_ave=True,
    )


def _has_background_clips(folder: Path) -> bool:
    """True if the clips are there that weak supervision adds to the training split; a warning if not."""
    from dmin.lab.ave.files import DOWNLOADS, find_file

    missing = [n for n in ("visual_feature_noisy.h5", "audio_feature_noisy.h5") if find_file(folder, n) is None]
    if missing:
        warnings.warn(
            f"no {' and no '.join(missing)} in {folder}: weak supervision is trained without AVE's 178 background "
            f"clips; get them from {DOWNLOADS}",
            stacklevel=2,
        )
    return not missing


def _videos(
    folder: Path, out: Path, wanted: tuple[Material, ...], options: SourceOptions, progress: Progress
) -> PreparedData:
    from dmin.features import find_videos
    from dmin.features.sources import videos_in
    from dmin.lab.ave.check import find_video_folder
    from dmin.lab.ave.videos import extract_videos

    stores: dict[Material, Path] = {}
    for material in wanted:
        stores[material] = out / _STORES["full" if material == "weak" else material]
        extract_videos(
            folder,
            stores[material],
            task=_TASKS[material],
            visual=options.visual,
            audio=options.audio,
            workers=options.workers,
            progress=progress,
        ).require_all()
    place = find_video_folder(folder)
    return PreparedData(
        stores=stores,
        words=f"AVE, its videos through {_pair(options)}",
        remark="The same clips as the paper's, but other features: its own are the released VGG-19 maps and VGGish. "
        "The background clips of weak supervision are released as features only, and are left out.",
        on_ave=True,
        videos={} if place is None else find_videos(videos_in(place)),
    )


_STORES: dict[Material, str] = {"full": "store", "weak": "store-weak", "matching": "store-match"}
"""Folders of the stores."""
_TASKS: dict[Material, AveTask] = {"full": "localization", "weak": "localization", "matching": "matching"}
"""AVE's name for them."""


def _pair(options: SourceOptions) -> str:
    return f"{options.visual} and {options.audio}"
