"""Any image network of timm by its name: ``timm:NAME``, ``timm:hf-hub:OWNER/NAME``, ``timm:local-dir:FOLDER``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_data_config
from timm.models import get_pretrained_cfg
from torch import Tensor

from dmin.backbones.homes import Home, home_of, reading
from dmin.backbones.maps import scaling, timm_maps
from dmin.backbones.registry import Backbone, Card
from dmin.errors import ModelError, unknown_name
from dmin.media import FrameSize

SCHEME = "timm:"
MODALITIES = ("visual",)
_HUB, _FOLDER = "hf-hub:", "local-dir:"
FRAMES_PER_SECOND = 4.0
_FFMPEG = {"bilinear": "BILINEAR", "lanczos": "LANCZOS", "nearest": "POINT"}
"""FFmpeg's names of methods of interpolation; of all others the nearest is bicubic."""


@dataclass(frozen=True)
class Known:
    """A network that timm has weights of."""

    name: str
    """Of the backbone."""
    input: str
    licence: str
    """As timm states it; what counts is the card of its repository."""


def search(word: str) -> list[Known]:
    """Networks with weights whose names match a word or a pattern, e.g. ``dinov2`` or ``vit_*_clip_*``."""
    pattern = word if set(word) & set("*?[") else f"*{word}*"
    found = []
    for name in timm.list_models(pattern, pretrained=True):
        config = get_pretrained_cfg(name)
        size = " x ".join(map(str, config.input_size[1:]))
        found.append(Known(f"{SCHEME}{name}", size, config.license or "see its page"))
    return found


def home(name: str, version: str | None = None) -> Home:
    """Find the files of a network.

    Args:
        name: The backbone's, with its scheme.
        version: Of a card that is wanted again.

    Raises:
        ModelError: timm has none of this name, or its files cannot be had.
    """
    place = name.removeprefix(SCHEME)
    if place.startswith(_FOLDER):
        return home_of(SCHEME + _FOLDER, place.removeprefix(_FOLDER), version)
    if place.startswith(_HUB):
        return home_of(SCHEME + _HUB, place.removeprefix(_HUB), version)
    short, _, revision = place.partition("@")
    if not timm.is_model(short.partition(".")[0]):
        raise ModelError(unknown_name("network of timm", short, timm.list_models()))
    try:
        config = get_pretrained_cfg(short)
    except RuntimeError:  # the network is known, and these weights of it are not
        config = None
    if config is None or not config.hf_hub_id:
        raise ModelError(
            f"timm has no weights of {short!r} on the hub: give {SCHEME}{_HUB}OWNER/NAME, {SCHEME}{_FOLDER}FOLDER, "
            f"or a name of timm.list_pretrained('{short.partition('.')[0]}*')"
        )
    return home_of(SCHEME + _HUB, config.hf_hub_id + (f"@{revision}" if revision else ""), version)


class TimmImages(Backbone):
    """A network of timm up to its last features.

    Frames uint8 [N, H, W, 3] of any size, prepared as its configuration says, -> maps float32 [N, h, w, D].
    """

    def __init__(self, home: Home) -> None:
        super().__init__()
        with reading(home):
            self.network: Any = timm.create_model(f"{_FOLDER}{home.folder}", pretrained=True)
            self.prepare = create_transform(**resolve_data_config(model=self.network), is_training=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Maps [N, h, w, D] of frames uint8 [N, H, W, 3]."""
        pictures = [self.prepare(Image.fromarray(frame)) for frame in frames.cpu().numpy()]
        return self.run(torch.stack(pictures).to(frames.device))

    def compute(self, inputs: Tensor) -> Tensor:
        """Maps [N, h, w, D] of prepared pictures [N, 3, height, width]."""
        return timm_maps(self.network, inputs)


def card(home: Home, modality: str) -> Card:
    """The card of a network, by its configuration; its weights need not be there.

    Raises:
        ModelError: It cannot be read, or gives no maps.
    """
    with reading(home):
        with torch.device("meta"):
            network = timm.create_model(f"{_FOLDER}{home.folder}", pretrained=False).eval()
        data = resolve_data_config(model=network)
        with torch.no_grad(), torch.device("meta"):
            shape = tuple(timm_maps(network, torch.empty(1, *data["input_size"])).shape[1:])
    channels, height, width = data["input_size"]
    if channels != 3:
        raise ModelError(f"{home.name} sees {channels} channels: give a network of RGB pictures")
    config = network.pretrained_cfg
    return Card(
        name=home.name,
        modality="visual",
        output_shape=shape,
        input=(
            f"RGB, {height} x {width}, {data['crop_mode']} crop of {data['crop_pct']:g}, {data['interpolation']}, "
            + scaling(data["mean"], data["std"])
        ),
        frames_per_second=FRAMES_PER_SECOND,
        rate_hz=0,
        version=home.version,
        source=f"{home.source} (weights), timm {config.get('architecture', '')} (network)",
        licence=home.licence or config.get("license") or "not stated",
        citation=f"see {config.get('origin_url') or home.source}",
        frame_size=_frame_size(data),
    )


def make(home: Home, modality: str) -> Backbone:
    """Load a network."""
    return TimmImages(home)


def _frame_size(data: dict[str, Any]) -> FrameSize | None:
    """The size that the preparation brings a picture to before it is cropped."""
    if data["crop_mode"] == "border":
        return None
    height, width = (int(side / data["crop_pct"]) for side in data["input_size"][1:])
    method: Any = _FFMPEG.get(data["interpolation"], "BICUBIC")
    return FrameSize(height, width, covers=data["crop_mode"] != "squash", interpolation=method)
