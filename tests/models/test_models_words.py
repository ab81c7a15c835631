"""Labels in words: rules and network against a version by hand, and what no such network can have."""

from __future__ import annotations

import pytest
import torch

from dmin.errors import ModelError
from dmin.models import RULES, Words, WordsConfig
from dmin.models.bases import LocalizationModel
from dmin.models.systems import load_network, systems
from dmin.models.word_rules import Evidence, margin
from dmin.tasks.decoding import decode, event_scores
from oracles import word_rules

FLOORS = [(0.5, 0.5), (0.2, 0.6), (0.05, 0.05), (0.9, 0.3)]
LABELS, TEXTS = 3, 7


def random_network(rule: str, floors: tuple[float, float], seed: int = 0, spread: float = 0.0) -> Words:
    generator = torch.Generator().manual_seed(seed)
    config = WordsConfig(
        ("dog", "bell", "rain"), visual_size=5, audio_size=5, distractors=("a", "b", "c", "d"), rule=rule,
        visual_floor=floors[0], audio_floor=floors[1], visual_scale=12.0, audio_scale=10.0, shares_space=True,
    )  # fmt: skip
    network = Words(config)
    network.visual_texts.copy_(torch.randn(TEXTS, 5, generator=generator))
    network.audio_texts.copy_(network.visual_texts + 0.3 * torch.randn(TEXTS, 5, generator=generator))
    return network


def features(seconds: int, network: Words, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures and sounds near some text, often near the same."""
    generator = torch.Generator().manual_seed(seed)
    seen = torch.randint(TEXTS, (seconds,), generator=generator)
    heard = torch.where(torch.rand(seconds, generator=generator) < 0.6, seen, seen.roll(1))
    noise = 0.5 * torch.randn(2, seconds, 5, generator=generator)
    visual, audio = network.visual_texts[seen] + noise[0], network.audio_texts[heard] + noise[1]
    return visual[None, :, None, None], audio[None]


@pytest.mark.parametrize("floors", FLOORS)
@pytest.mark.parametrize("rule", ["agreement", "product", "joint"])
def test_a_rule_decides_as_by_hand(rule, floors):
    network = random_network(rule, floors)
    visual, audio = features(400, network)
    found = decode(network(visual, audio), LABELS)[0].tolist()
    texts = network.visual_texts.tolist(), network.audio_texts.tolist()
    expected = []
    for picture, sound in zip(visual[0, :, 0, 0].tolist(), audio[0].tolist(), strict=True):
        label = getattr(word_rules, rule)(*word_rules.fits(picture, sound, *texts, 12.0, 10.0), LABELS, *floors)
        expected.append(LABELS if label is None else label)
    assert found == expected
    assert len(set(expected)) == LABELS + 1  # all labels, and none, are among the answers


def test_every_rule_has_its_version_by_hand():
    assert all(hasattr(word_rules, rule) for rule in RULES)


def test_relevance_is_one_half_at_the_floor_and_grows_with_the_weaker_modality():
    config = {"joint": None, "labels": 1, "visual_floor": 0.8, "audio_floor": 0.6}

    def relevance(seen: float, heard: float) -> float:
        rows = [torch.tensor([share, 1 - share]).log() for share in (seen, heard)]
        return float(RULES["agreement"](Evidence(*rows, **config)).sigmoid())

    assert relevance(0.8, 0.99) == pytest.approx(0.5, abs=1e-6)
    assert relevance(0.99, 0.6) == pytest.approx(0.5, abs=1e-6)
    assert relevance(0.9, 0.99) > relevance(0.85, 0.99) > 0.5 > relevance(0.7, 0.99) > relevance(0.1, 0.99)
    assert relevance(0.9, 0.99) == pytest.approx(relevance(0.9, 0.999))


def test_product_lets_a_sure_modality_help_the_other():
    rows = torch.tensor([[0.98, 0.02], [0.3, 0.7]]).log()
    config = {"joint": None, "labels": 1, "visual_floor": 0.5, "audio_floor": 0.5}
    evidence = Evidence(rows[0], rows[1], **config)
    assert float(RULES["product"](evidence)) > 0 > float(RULES["agreement"](evidence))
    both = Evidence(*torch.tensor([[0.9, 0.1], [0.8, 0.2]]).log(), **config)
    torch.testing.assert_close(RULES["product"](both), torch.tensor([0.72]).logit() - torch.tensor(0.25).logit())
    sure = Evidence(torch.tensor([500.0, 0.0]), torch.tensor([500.0, 0.0]), **config)
    assert all(RULES[rule](sure).isfinite().all() for rule in ("agreement", "product"))


def test_one_label_at_most_clears_even_a_floor_of_next_to_nothing():
    fit = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    assert int((margin(fit, 4, 1e-4) > 0).sum(-1).max()) == 1


def test_regions_are_averaged_and_padding_disturbs_nobody():
    network = random_network("agreement", (0.5, 0.5))
    visual, audio = features(6, network)
    split = torch.cat([visual + 1, visual - 1], 3)  # [1, 6, 1, 2, 5]
    torch.testing.assert_close(
        network(split, audio).segment_logits, network(visual, audio).segment_logits, rtol=1e-4, atol=1e-4
    )
    mask = torch.arange(6)[None] < 4
    whole = network(visual, audio, mask).segment_logits
    assert whole.isfinite().all()
    torch.testing.assert_close(whole[:, :4], network(visual[:, :4], audio[:, :4]).segment_logits)
    shares = event_scores(network(visual, audio), LABELS).categories
    torch.testing.assert_close(shares.sum(-1), torch.ones(1, 6))


def test_saved_and_loaded_it_answers_alike(tmp_path):
    network = random_network("product", (0.3, 0.4))
    network.save_pretrained(tmp_path)
    again = load_network(tmp_path, LocalizationModel)
    assert again.config == network.config
    visual, audio = features(5, network)
    torch.testing.assert_close(again(visual, audio).segment_logits, network(visual, audio).segment_logits)
    assert "# Words, a network of dmin" in (tmp_path / "README.md").read_text()
    assert not [entry for entry in systems().values() if entry.network is Words]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "agrement"}, "unknown rule 'agrement': did you mean 'agreement'"),
        ({"distractors": ()}, r"distractors is \[\]: give at least one text, none of them empty"),
        ({"distractors": ("a", "")}, r"distractors is \['a', ''\]: give at least one text, none of them empty"),
        ({"distractors": ("a", "dog")}, "distractors has dog, which is a label"),
        ({"distractors": ("a", "Dog")}, "distractors has Dog, which is a label"),
        ({"distractors": ("a", "A")}, "distractors has A, which is a label or stands twice"),
        ({"visual_floor": 0.0}, "visual_floor is 0: must be above 0 and below 1"),
        ({"audio_floor": 1.0}, "audio_floor is 1: must be above 0 and below 1"),
        ({"rule": "joint"}, "rule is 'joint', but picture and sound share no space: give two backbones of one space"),
        ({"shares_space": True, "audio_size": 4}, "have 5 and 4 channels"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ModelError, match=message):
        WordsConfig(**{"category_names": ("dog",), "visual_size": 5, "audio_size": 5, "distractors": ("a",)} | options)
