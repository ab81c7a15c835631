"""Small networks of every system, and synthetic clips for them."""

from dataclasses import fields

import torch

from dmin.data.clips import Batch, Window
from dmin.models import systems
from dmin.models.config import AttentionConfig
from dmin.models.systems import merged
from dmin.training.presets import variants
from dmin.training.recipe import recipe_from

VISUAL_SIZE, AUDIO_SIZE, REGIONS = 12, 10, 4
NAMES = ("Dog", "Rain", "Bell")
_SMALL = {
    "width": 16,
    "hidden": 16,
    "feed_forward": 32,
    "visual_width": 16,
    "reduced": 8,
    "embedding": 6,
    "heads": 2,
    "factors": 2,
}
_PARTS = {
    "encoder": {"layers": 1, "heads": 2, "hidden": 32},
    "inter_modality": {"heads": 2, "hidden": 32},
    "fusion": {"heads": 2},
    "visual_attention": {"size": 8, "bottleneck": 6, "factors": 2, "heads": 2},
}


def cases(task):
    """(system, supervision or direction) of all systems of a task."""
    return [(s.name, kind) for s in systems().values() if s.task == task for kind in s.kinds]


def tiny_recipe(name, kind, variant=None):
    """The system's own options, at small sizes."""
    system = systems()[name]
    known = {field.name for field in fields(system.network.config_type)}
    of_dmin_or_dcmr = issubclass(system.network.config_type, AttentionConfig)
    sizes_of_all = _SMALL | (_PARTS if of_dmin_or_dcmr else {})
    small = {option: value for option, value in sizes_of_all.items() if option in known}
    sizes = {"visual_size": VISUAL_SIZE, "audio_size": AUDIO_SIZE}
    if system.task == "localization":
        sizes |= {"category_names": NAMES, "regions": REGIONS}
    laid_over = {} if variant is None else dict(variants()[variant].options)
    return recipe_from(merged(system.options(kind), {"model": small}, laid_over, {"model": sizes}))


def tiny_network(name, kind, variant=None, **options):
    """The network, with weights from seed 0."""
    torch.manual_seed(0)
    config = tiny_recipe(name, kind, variant).model
    return systems()[name].network(type(config)(**{**vars(config), **options}))


def clips(count, seconds=10, seed=0):
    """Clips whose category shows in both modalities during one stretch of each; every fourth has no event."""
    generator = torch.Generator().manual_seed(seed)
    visual = 0.3 * torch.randn(count, seconds, 2, 2, VISUAL_SIZE, generator=generator)
    audio = 0.3 * torch.randn(count, seconds, AUDIO_SIZE, generator=generator)
    labels = torch.full((count, seconds), len(NAMES))
    for clip in range(count):
        if clip % 4 == 3 or seconds < 3:
            continue
        start = int(torch.randint(0, seconds // 2, (), generator=generator))
        stop = start + 2 + int(torch.randint(0, max(1, seconds // 3), (), generator=generator))
        category = clip % len(NAMES)
        labels[clip, start:stop] = category
        visual[clip, start:stop, :, :, category] += 2
        audio[clip, start:stop, category] += 2
    windows = tuple(Window(str(clip), 0, seconds) for clip in range(count))
    return Batch(windows, visual, audio, labels, torch.ones(count, seconds, dtype=torch.bool))


def with_events(batch):
    """The clips that have an event."""
    kept = (batch.labels < len(NAMES)).any(1)
    windows = tuple(window for window, keep in zip(batch.windows, kept, strict=True) if keep)
    return Batch(windows, batch.visual[kept], batch.audio[kept], batch.labels[kept], batch.mask[kept])
