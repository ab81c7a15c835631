"""Embeddings that pictures or sounds share with texts: as the library's whole networks give them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_tiny import VOCABULARY, save_hf, save_tokenizer
from PIL import Image
from torch import Tensor

from dmin.backbones import Backbone, Card, card_that_reads, create, text_tower
from dmin.errors import ModelError

pytest.importorskip("transformers", reason="the extra hub is not installed")

TEXTS = ["A dog barks.", "the sound of this church bell"]
IDS = [[1, *[VOCABULARY.index(word) for word in words.split()], 2] for words in ("a dog barks .", TEXTS[1])]


def padded(length: int) -> tuple[Tensor, Tensor]:
    """Numbers of the texts' words [2, length], 0 in padding, and their mask."""
    ids = torch.tensor([row + [0] * (length - len(row)) for row in IDS])
    return ids, (ids > 0).long()


@pytest.fixture
def save(tmp_path):
    def keep(family: str) -> tuple:
        network, preparation = save_hf(family, tmp_path)
        save_tokenizer(tmp_path)
        return network, preparation, f"hf:{tmp_path}"

    return keep


@pytest.mark.parametrize("family", ["clip", "siglip"])
@torch.no_grad()
def test_pictures_and_texts_as_a_whole_network_embeds_them(family, save):
    network, processor, name = save(family)
    card = card_that_reads(name, "visual")
    assert (card.output_shape, card.name) == ((1, 1, 8 if family == "clip" else 16), name.replace("hf:", "hf-text:"))
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 60, 80, 3), np.uint8))
    pixels = processor([Image.fromarray(frame.numpy()) for frame in frames], return_tensors="pt")["pixel_values"]
    ids, mask = padded(64 if family == "siglip" else 8)
    whole = network(ids, pixels, attention_mask=None if family == "siglip" else mask)
    maps = create(card.name, "visual", card.version)(frames)
    torch.testing.assert_close(maps[:, 0, 0], whole.image_embeds, rtol=1e-5, atol=1e-5)
    tower = text_tower(card)
    torch.testing.assert_close(tower.embed(TEXTS), whole.text_embeds, rtol=1e-5, atol=1e-5)
    bias = network.logit_bias if family == "siglip" else 0
    logits = tower.scale * tower.embed(TEXTS) @ maps[:, 0, 0].T + bias
    torch.testing.assert_close(logits, whole.logits_per_text, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_sounds_and_texts_as_a_whole_network_embeds_them(save):
    network, extractor, name = save("clap")
    network.logit_scale_a.fill_(3.0)
    network.save_pretrained(name.removeprefix("hf:"))
    card = card_that_reads(name, "audio")
    assert (card.output_shape, card.context_seconds, card.frame_wise, card.rate_hz) == ((8,), 3.0, False, 8000)
    sound = 0.1 * np.random.default_rng(0).normal(size=(2, 24_000)).astype(np.float32)
    inputs = extractor(list(sound), sampling_rate=8000, return_tensors="pt")
    ids, mask = padded(8)
    neither = torch.zeros(2, 1, dtype=torch.bool)
    whole = network(ids, inputs["input_features"], is_longer=neither, attention_mask=mask)
    vectors = create(card.name, "audio", card.version)(torch.from_numpy(sound))
    torch.testing.assert_close(vectors, whole.audio_embeds, rtol=1e-5, atol=1e-5)
    tower = text_tower(card)
    torch.testing.assert_close(tower.embed(TEXTS), whole.text_embeds, rtol=1e-5, atol=1e-5)
    assert tower.scale == pytest.approx(math.exp(3.0))


def test_many_texts_are_as_each_alone_and_capitals_mean_nothing(save):
    tower = text_tower(card_that_reads(save("clip")[2], "visual"))
    texts = ["a dog"] * 70 + ["A DOG", "church"]
    embedded = tower.embed(texts)
    assert len(embedded) == 72
    torch.testing.assert_close(embedded[:71], embedded[:1].expand(71, -1), rtol=1e-5, atol=1e-6)
    assert not torch.allclose(embedded[71], embedded[0])


@pytest.mark.parametrize(("family", "most"), [("clip", 77), ("siglip", 64), ("clap", 513)])
def test_a_text_may_be_as_long_as_the_network_reads(family, most, save):
    tower = text_tower(card_that_reads(save(family)[2], "audio" if family == "clap" else "visual"))
    assert tower.embed([" ".join(["dog"] * (most - 2)), "a dog"]).isfinite().all()
    with pytest.raises(ModelError, match=rf"'dog dog .* has {most + 1} tokens: hf-text:.* reads {most} at most"):
        tower.embed(["a dog", " ".join(["dog"] * (most - 1))])


def test_a_network_without_its_tokenizer_is_refused(save):
    reads = card_that_reads(save("clap")[2], "audio")
    for file in Path(reads.name.removeprefix("hf-text:")).glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelError, match="reads all texts as the same: see that the files of its tokenizer are there"):
        text_tower(card_that_reads(reads.name.replace("hf-text:", "hf:"), "audio")).embed(TEXTS)


def test_neither_part_holds_the_memory_of_the_other(save):
    card = card_that_reads(save("clip")[2], "visual")
    assert not [name for name, _ in create(card.name, "visual").named_parameters() if "text" in name]
    assert not [name for name, _ in text_tower(card).embed.network.named_parameters() if "vision" in name]


def test_two_towers_of_one_version_share_a_space(save):
    card = card_that_reads(save("clip")[2], "visual")
    assert card.space == f"{card.name} {card.version}"


def test_networks_that_do_not_read_are_refused(tmp_path):
    save_hf("dinov2", tmp_path / "sees")
    save_hf("ast", tmp_path / "hears")
    with pytest.raises(ModelError, match=r"hf-text:.*sees: it does not read: give .* CLIP's or SigLIP's kind"):
        card_that_reads(f"hf:{tmp_path / 'sees'}", "visual")
    with pytest.raises(ModelError, match=r"hf-text:.*hears: it does not read: give a network of CLAP's kind"):
        card_that_reads(f"hf:{tmp_path / 'hears'}", "audio")
    with pytest.raises(ModelError, match=r"^lite0 does not read: give hf:OWNER/NAME of CLIP's or SigLIP's kind$"):
        card_that_reads("lite0", "visual")


def test_backbones_of_ones_own_that_read_are_named(make_known):
    class Reads(Backbone):
        words = dict.fromkeys(("input", "version", "source", "licence", "citation"), "none")
        card = Card("own-ear", "audio", (3,), frames_per_second=0.0, rate_hz=8000, space="own", **words)

    make_known(Reads)
    assert card_that_reads("own-ear", "audio") is Reads.card
    with pytest.raises(ModelError, match="sfx does not read: give hf:OWNER/NAME of CLAP's kind or own-ear"):
        card_that_reads("sfx", "audio")
    with pytest.raises(ModelError, match="own-ear has no text_tower, though its card names the space 'own'"):
        text_tower(Reads.card)
