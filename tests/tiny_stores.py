"""A store of tiny features, from which events can be learnt in seconds."""

from __future__ import annotations

from pathlib import Path

import torch

CATEGORIES = ("Bell", "Dog", "Rain")


def make_store(folder: Path, clips: int = 24, seconds: int = 6, pooled: bool = False) -> Path:
    """A store of tiny features from which events can be learnt: category c lights up channel c of picture and sound."""
    from dmin.data.annotations import Annotation, write_annotations
    from dmin.data.folder import write_split
    from dmin.features import ClipFeatures, FeatureStore, Settings

    generator = torch.Generator().manual_seed(0)
    store = FeatureStore.create(folder, Settings("tiny-visual", "1", "tiny-audio", "1", 2.0, 100, pooled=pooled))
    lines = []
    for index in range(clips):
        category = index % 4  # every fourth clip has no event
        visual = 0.1 * torch.rand(seconds, 2, 2, 8, generator=generator)
        audio = 0.1 * torch.rand(seconds, 6, generator=generator)
        video_id = f"clip{index:02d}"
        if category == 3:
            lines.append(Annotation("Background", video_id, "good", 0.0, 0.0))
        else:
            start = index % 3
            visual[:, :, :, category] += 1.0  # seen all the time, heard only during the event
            audio[start : start + 3, category] += 1.0
            lines.append(Annotation(CATEGORIES[category], video_id, "good", float(start), float(start + 3)))
        store.write(video_id, ClipFeatures(visual, audio, float(seconds)))
    write_annotations(folder / "Annotations.txt", lines)
    (folder / "splits").mkdir()
    for name, part in (("train", slice(0, 16)), ("val", slice(16, 20)), ("test", slice(20, clips))):
        write_split(folder / "splits" / f"{name}.txt", [line.video_id for line in lines[part]])
    return folder
