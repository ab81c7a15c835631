"""Run real networks of timm and transformers as backbones, and print a table of what came of each, to paste.

Usage: python tools/check_hub.py [NAME ...] [--audio NAME ...] [--labels WORDS [--pair VISUAL AUDIO]]
           [--device cpu]
Example: python tools/check_hub.py timm:resnet50.a1_in1k hf:facebook/dinov2-small --audio hf:laion/clap-htsat-unfused

Without names or labels, all of the lists below are run, and labels in words by the default pair. That needs a network,
the extra `hub` and some 7 GB of the hub's cache. Each network gets the same noise: pictures of 480 x 640, and three
seconds of sound. "Moves" is the mean distance between the features of different inputs, over their mean length: near 0,
a network hardly tells them apart. Of labels in words it is that between texts, of the worse network of both.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import timm
import torch

from dmin import backbones
from dmin.errors import DminError
from dmin.features.hearing import Hearing
from dmin.inference import Localizer
from dmin.inference.labels import AUDIO as EARS
from dmin.inference.labels import VISUAL as EYES

VISUAL = (
    "timm:resnet50.a1_in1k",
    "timm:convnext_tiny.dinov3_lvd1689m",
    "timm:efficientnet_b0.ra_in1k",
    "timm:mobilenetv4_conv_small.e2400_r224_in1k",
    "timm:swin_tiny_patch4_window7_224.ms_in1k",
    "timm:maxvit_tiny_tf_224.in1k",
    "timm:dm_nfnet_f0.dm_in1k",
    "timm:hiera_tiny_224.mae_in1k_ft_in1k",
    "timm:vit_small_patch14_dinov2.lvd142m",
    "timm:vit_small_patch14_reg4_dinov2.lvd142m",
    "timm:vit_base_patch16_siglip_224.v2_webli",
    "timm:vit_pe_core_base_patch16_224.fb",
    "hf:openai/clip-vit-base-patch32",
    "hf:google/siglip-base-patch16-224",
    "hf:google/siglip2-base-patch16-224",
    "hf:facebook/dinov2-small",
    "hf:facebook/dinov2-with-registers-small",
    "hf:google/vit-base-patch16-224-in21k",
)
AUDIO = (
    "hf:MIT/ast-finetuned-audioset-10-10-0.4593",
    "hf:laion/clap-htsat-unfused",
    "hf:laion/clap-htsat-fused",
    "hf:facebook/wav2vec2-base",
    "hf:facebook/hubert-base-ls960",
    "hf:microsoft/wavlm-base",
    "hf:openai/whisper-tiny",
)
LABELS = "dog barking, church bell, someone speaking"


@dataclass(frozen=True)
class Row:
    """What came of a network."""

    name: str
    version: str = ""
    licence: str = ""
    output: str = ""
    input: str = ""
    megaparameters: str = ""
    seconds: str = ""
    """Of computing, for a second of video."""
    moves: str = ""
    trouble: str = ""


def check(name: str, modality: str, device: str) -> Row:
    """Load a network and run it; what goes wrong is in the row."""
    try:
        card = backbones.card_of(name, modality)
        backbone = backbones.create(name, modality, card.version).to(device)
        began = time.perf_counter()
        features = seen(backbone, device) if modality == "visual" else heard(backbone)
        took = time.perf_counter() - began
    except DminError as error:
        return Row(name, trouble=str(error))
    except Exception as error:  # whatever it is, the others are run all the same
        return Row(name, trouble=f"{type(error).__name__}: {error}")
    done = len(features) / (card.frames_per_second if modality == "visual" else 1)
    right = tuple(features.shape[1:]) == card.output_shape and bool(features.isfinite().all())
    return Row(
        name,
        card.version,
        card.licence,
        " x ".join(map(str, card.output_shape)),
        card.input,
        f"{sum(p.numel() for p in backbone.parameters()) / 1e6:.1f}",
        f"{took / done:.2f}",
        f"{moves(features):.2f}",
        "" if right else f"features are {list(features.shape[1:])}, or not finite",
    )


def check_words(labels: list[str], visual: str, audio: str, device: str) -> Row:
    """Make a localizer of labels in words, and let it answer for three seconds of noise; trouble is in the row."""
    name = f"{visual} and {audio}: {', '.join(labels)}"
    try:
        localizer = Localizer.from_labels(labels, visual=visual, audio=audio, device=device)
        random = np.random.default_rng(0)
        frames = random.integers(0, 256, (12, 120, 160, 3), np.uint8)
        began = time.perf_counter()
        events = localizer.arrays(frames, 4.0, (0.1 * random.normal(size=48_000)).astype(np.float32), 16_000)
        took = time.perf_counter() - began
    except Exception as error:  # as in `check`
        return Row(name, trouble=str(error) if isinstance(error, DminError) else f"{type(error).__name__}: {error}")
    settings, network, config = localizer.settings, localizer.model, localizer.model.config
    eyes, ears = localizer.visual, localizer.audio
    right = all(np.isfinite([second.relevance, *second.scores.values()]).all() for second in events.seconds)
    return Row(
        name,
        f"{settings.visual_version}, {settings.audio_version}",
        f"{settings.visual_licence}, {settings.audio_licence}",
        f"{len(network.visual_texts)} texts of {config.visual_size} and {config.audio_size}",
        f"{eyes.card.input}; {ears.card.input}; scales {config.visual_scale:.1f}, {config.audio_scale:.1f}",
        f"{sum(p.numel() for part in (eyes, ears) for p in part.parameters()) / 1e6:.1f}",
        f"{took / len(events.seconds):.2f}",
        f"{min(moves(network.visual_texts), moves(network.audio_texts)):.2f}",
        "" if right else "the answer is not finite",
    )


@torch.no_grad()
def seen(backbone: backbones.Backbone, device: str) -> torch.Tensor:
    """Maps of noise of several sizes of grain, [N, h, w, D]."""
    random = np.random.default_rng(0)
    frames = []
    for grain in (1, 4, 16, 80):
        coarse = random.integers(0, 256, (480 // grain, 640 // grain, 3), np.uint8)
        frames.append(coarse.repeat(grain, 0).repeat(grain, 1))
    return backbone(torch.from_numpy(np.stack(frames)).to(device)).float().cpu()


def heard(backbone: backbones.Backbone) -> torch.Tensor:
    """Vectors of three seconds, [T, D]: noise, silence, a tone."""
    rate = backbone.card.rate_hz
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    sounds = (0.1 * np.random.default_rng(0).normal(size=rate), np.zeros(rate), tone)
    hearing = Hearing(backbone)
    return torch.cat([hearing.hear([sound.astype(np.float32) for sound in sounds]), hearing.end()])


def moves(features: torch.Tensor) -> float:
    """Mean distance between features of different inputs, over their mean length."""
    rows = features.flatten(1)
    return float(torch.pdist(rows).mean() / rows.norm(dim=1).mean().clamp_min(1e-12))


def table(rows: list[Row]) -> Iterator[str]:
    """Rows as lines of Markdown."""
    names = [field.name for field in fields(Row)]
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"
    for row in rows:
        cells = (" ".join(str(getattr(row, name)).split()).replace("|", "\\|") for name in names)
        yield f"| {' | '.join(cells)} |"


def main() -> int:
    """Check all that is named; the exit status is 0 if all of it worked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("visual", nargs="*", help="visual networks")
    parser.add_argument("--audio", nargs="*", help="audio networks")
    parser.add_argument("--labels", help="labels in words, with commas between them")
    parser.add_argument("--pair", nargs=2, default=(EYES, EARS), help="networks that read, for the labels")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    nothing = not args.visual and args.audio is None and args.labels is None
    named = [(name, "visual") for name in (VISUAL if nothing else args.visual)]
    named += [(name, "audio") for name in (AUDIO if nothing else args.audio or ())]
    rows = [check(name, modality, args.device) for name, modality in named]
    if labels := args.labels or (LABELS if nothing else None):
        rows.append(check_words(labels.split(","), *args.pair, args.device))
    try:
        import transformers

        library = transformers.__version__
    except ImportError:
        library = "missing"
    print(f"timm {timm.__version__}, transformers {library}, torch {torch.__version__}, {platform.machine()}\n")
    print("\n".join(table(rows)))
    return 1 if any(row.trouble for row in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
