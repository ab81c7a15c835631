"""AVE's own videos to a feature store, through backbones of one's own choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dmin.errors import DataError
from dmin.features import ExtractionReport, FeatureStore, extract, find_videos
from dmin.features.fingerprint import made_from
from dmin.features.sources import videos_in
from dmin.lab.ave.check import find_video_folder
from dmin.lab.ave.files import PROJECT, VIDEO_FOLDERS
from dmin.lab.ave.layout import StoreLayout
from dmin.lab.ave.release import AveRelease, Task


def extract_videos(
    folder: str | Path,
    store_folder: str | Path,
    *,
    task: Task = "localization",
    **options: Any,
) -> ExtractionReport:
    """Extract AVE's own videos into a feature store; a video that has several rows is computed once.

    Args:
        folder: Where ``AVE/<video id>.mp4`` (or ``videos/``), `Annotations.txt` and the splits are: ``trainSet.txt``,
            ``valSet.txt`` and ``testSet.txt``, or the HDF5 orders.
        store_folder: A new folder, or a store of the same backbones.
        task: "matching" takes the ``*_order_match.h5``.
        options: Of `dmin.features.extract`: backbones, workers, shard and others.

    Returns:
        What became of each video; those that are not there are among the failures.

    Raises:
        DataError: No videos, annotations or splits; or they contradict each other.
        StoreWriteError: The disk is full, or the store cannot be written. What is in the store stays good.
        ModelError: Unknown backbone.
    """
    release = AveRelease.open(folder)
    release.require_agreement()
    layout = StoreLayout.of(release, task)
    layout.check(Path(store_folder))
    if (place := find_video_folder(Path(folder))) is None:
        raise DataError(f"no video in {', '.join(VIDEO_FOLDERS)} of {folder}: get AVE's videos from {PROJECT}")
    there = find_videos(videos_in(place))
    video_of = dict(zip(release.ids, (row.video_id for row in release.rows), strict=True))
    wanted = dict.fromkeys(video_of[video_id] for video_id in layout.ids)
    report = extract(
        [there.get(video_id, place / f"{video_id}.mp4") for video_id in wanted],
        store_folder,
        **options,
    )
    store = FeatureStore.open(store_folder)
    layout.write(store.folder)
    twins = {i: original for i in layout.ids if (original := video_of[i]) != i and original in store}
    sources = {video_id: store.source(original) for video_id, original in twins.items()}
    for video_id in sources.keys() - made_from(store, sources):
        store.write(video_id, store.read(twins[video_id]), sources[video_id])
    return report
