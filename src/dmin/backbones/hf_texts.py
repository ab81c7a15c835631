"""Embeddings that pictures or sounds share with texts: ``hf-text:OWNER/NAME`` or ``hf-text:FOLDER``.

The networks are those of `hf_names` that have a text tower: CLIP, SigLIP and their like for pictures, CLAP for sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from dmin.backbones import hf_images, hf_names, hf_sounds
from dmin.backbones.hf_names import MODALITIES, Kind
from dmin.backbones.homes import Home
from dmin.backbones.registry import READING, Backbone, Card, TextTower
from dmin.errors import ModelError
from dmin.progress import silent

__all__ = ["MODALITIES", "SCHEME", "card", "home", "make", "text_tower"]
SCHEME = "hf-text:"
_TEXTS_AT_ONCE = 64
_METHODS = {"visual": "get_image_features", "audio": "get_audio_features"}


class HfImageEmbeddings(hf_images.HfImages):
    """An image tower and its projection: frames uint8 [N, H, W, 3] -> embeddings of length 1, [N, 1, 1, D]."""

    @staticmethod
    def maps(network: Any, pictures: Tensor) -> Tensor:
        """Embeddings [N, 1, 1, D] of prepared pictures [N, 3, height, width]."""
        return _of_length_1(network.get_image_features(pixel_values=pictures))[:, None, None]


class HfSoundEmbeddings(hf_sounds.HfSounds):
    """An audio tower and its projection: waveforms [N, S] -> embeddings of length 1, [N, D]."""

    @staticmethod
    def features(network: Any, inputs: Mapping[str, Tensor]) -> Tensor:
        """Embeddings [N, D] of a network's inputs."""
        return _of_length_1(network.get_audio_features(**inputs))


def _of_length_1(output: Any) -> Tensor:
    """Embeddings [N, D] of one of the library's answers, normalised."""
    return F.normalize(getattr(output, "pooler_output", output), dim=-1)


def _tower(modality: str, network: Any) -> Any:
    """A whole network without its text tower.

    Raises:
        ModelError: It has none, or nothing of this modality.
    """
    if not (hasattr(network, _METHODS[modality]) and hasattr(network, "get_text_features")):
        raise ModelError(f"it does not read: give a network of {READING[modality]}")
    return _without(network, "text")


def _without(network: Any, *towers: str) -> Any:
    """A network whose other towers, named by what they take, no longer hold memory."""
    for tower in towers:
        for part in (f"{tower}_model", f"{tower}_projection"):
            if hasattr(network, part):
                delattr(network, part)
    return network


_KINDS = {
    "visual": Kind(
        hf_images.preparation,
        partial(_tower, "visual"),
        partial(hf_images.facts, maps=HfImageEmbeddings.maps),
        HfImageEmbeddings,
    ),
    "audio": Kind(
        hf_sounds.preparation,
        partial(_tower, "audio"),
        partial(hf_sounds.facts, features=HfSoundEmbeddings.features),
        HfSoundEmbeddings,
    ),
}


def home(name: str, version: str | None = None) -> Home:
    """Find the files of a network; see `hf_names.home`."""
    return hf_names.home(name, version, SCHEME)


def card(home: Home, modality: str) -> Card:
    """The card of a network, by its configuration; its weights need not be there.

    Raises:
        ModelError: It cannot be read, or has no text tower beside one of this modality.
    """
    return replace(hf_names.card(home, modality, _KINDS), space=f"{home.name} {home.version}")


def make(home: Home, modality: str) -> Backbone:
    """Load a network without its text tower.

    Raises:
        ModelError: It cannot be read.
    """
    return hf_names.make(home, modality, _KINDS)


def text_tower(home: Home, modality: str) -> TextTower:
    """Load the text tower of a network.

    Raises:
        ModelError: It cannot be had or read.
    """
    import transformers

    home.fetch(silent)
    home.fetch_tokenizer()
    with hf_names.loading(home) as network:
        tokenizer = transformers.AutoTokenizer.from_pretrained(home.folder, **hf_names.options())
        scale = getattr(network, "logit_scale_a" if modality == "audio" else "logit_scale", None)
        if scale is None:
            raise ModelError(f"it has no logit_scale to compare by: give a network of {READING[modality]}")
        reader = _Reader(home.name, _without(network, "vision", "audio"), tokenizer)
        return TextTower(reader, float(scale.detach().exp()))


@dataclass(frozen=True)
class _Reader:
    """Texts -> embeddings of length 1, [N, D].

    Raises:
        ModelError: A text is too long, or all are the same to the tokenizer.
    """

    name: str
    network: Any
    tokenizer: Any

    @torch.no_grad()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        # SigLIP 2 was trained on small letters alone, and CLIP's tokenizer makes them itself.
        texts = [text.lower() for text in texts]
        self._check(texts)
        parts = [texts[start : start + _TEXTS_AT_ONCE] for start in range(0, len(texts), _TEXTS_AT_ONCE)]
        return torch.cat([self._embed(part) for part in parts])

    def _check(self, texts: list[str]) -> None:
        most, tokenized = self._most_tokens, self.tokenizer(texts, verbose=False)["input_ids"]
        if len(set(texts)) > 1 and len(set(map(tuple, tokenized))) == 1:
            raise ModelError(f"{self.name} reads all texts as the same: see that the files of its tokenizer are there")
        for text, tokens in zip(texts, tokenized, strict=True):
            if len(tokens) > most:
                raise ModelError(
                    f"{text[:40]!r}... has {len(tokens)} tokens: {self.name} reads {most} at most, so use fewer words"
                )

    @property
    def _most_tokens(self) -> int:
        config = self.network.config.text_config
        # CLAP's text tower, as all RoBERTas, counts places from behind the number that stands for padding.
        first = config.pad_token_id + 1 if config.model_type.startswith("clap") else 0
        return int(min(self.tokenizer.model_max_length, config.max_position_embeddings - first))

    def _embed(self, texts: list[str]) -> Tensor:
        is_siglip = self.network.config.model_type.startswith("siglip")
        # SigLIP reads its answer off the last place of the longest.
        padding = {"padding": "max_length", "max_length": self._most_tokens} if is_siglip else {"padding": True}
        inputs = self.tokenizer(texts, return_tensors="pt", **padding)
        # SigLIP was trained without a mask over its padding.
        names = ("input_ids",) if is_siglip else ("input_ids", "attention_mask")
        return _of_length_1(self.network.get_text_features(**{name: inputs[name] for name in names}))
