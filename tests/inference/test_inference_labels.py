"""Labels in words: right second by second where the embeddings are, refused where nothing fits, and mistakes told."""

from __future__ import annotations

import dataclasses
import math
import re
from contextlib import closing
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from backbones.hub_tiny import save_hf, save_tokenizer
from dmin import Localizer
from dmin.backbones import Backbone, Card, TextTower, registry
from dmin.data.annotations import BACKGROUND
from dmin.data.folder import DataFolder
from dmin.errors import ModelError
from dmin.inference import Prompts
from dmin.inference.labels import AUDIO, EVERYDAY, VISUAL, checked, everyday
from dmin.lab.compose.banks import open_bank
from dmin.lab.compose.compose import compose
from dmin.lab.compose.script import ComposeSettings
from features.features_fakes import make_video
from lab.compose.compose_bank import CATEGORIES, RATE_HZ, heard, shown, write_bank
from oracles import word_rules

_WORDS = {"input": "", "version": "1", "source": "", "licence": "mine", "citation": "", "space": "colours and tones"}
_NOTHING = len(CATEGORIES)
"""Place of all that is of no category."""


def one_hot(places: list[int]) -> Tensor:
    return F.one_hot(torch.tensor(places), _NOTHING + 1).float()


def embed(texts: list[str]) -> Tensor:
    """Each text at the place of the category that it names."""
    words = [re.findall(r"\w+", text.lower()) for text in texts]
    return one_hot([next((i for i, name in enumerate(CATEGORIES) if name.lower() in row), _NOTHING) for row in words])


def place(found: tuple[str, int] | None) -> int:
    return CATEGORIES.index(found[0]) if found and found[0] != BACKGROUND else _NOTHING


class Sees(Backbone):
    """The category of each frame's colour, as a place: [N, 1, 1, 4]."""

    card = Card("sees-colours", "visual", (1, 1, 4), frames_per_second=4.0, rate_hz=0, frame_size=None, **_WORDS)

    def forward(self, frames: Tensor) -> Tensor:
        return one_hot([place(shown(frame)) for frame in frames.numpy()])[:, None, None]

    def text_tower(self) -> TextTower:
        return TextTower(embed, 10.0)


class Hears(Backbone):
    """The category of each second's tone, as a place: [N, 4]."""

    card = Card("hears-tones", "audio", (4,), frames_per_second=0.0, rate_hz=RATE_HZ, **_WORDS)

    def forward(self, waveforms: Tensor) -> Tensor:
        return one_hot([place(heard(wave)) for wave in waveforms.numpy()])

    def text_tower(self) -> TextTower:
        return TextTower(embed, 10.0)


@pytest.fixture(autouse=True)
def known(make_known):
    make_known(Sees, Hears)


def by_words(labels: list[str] | tuple[str, ...], **options: object) -> Localizer:
    return Localizer.from_labels(labels, visual="sees-colours", audio="hears-tones", device="cpu", **options)


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    """Clips of one-coloured pictures and pure tones, a fifth of them without an event; do not write to it."""
    folder = tmp_path_factory.mktemp("composed")
    bank = open_bank("folder", write_bank(folder / "bank"))
    settings = ComposeSettings(width=64, height=48, negatives=0.2)
    compose(bank, 14, folder / "clips", seed=2, workers=1, settings=settings)
    return DataFolder.open(folder / "clips")


def said(find: Localizer, video: Path, **options: float) -> list[str]:
    """The category of each second, or Background."""
    events = find(video, missing_audio="silence", **options)
    return [second.category if second.relevance >= events.threshold else BACKGROUND for second in events.seconds]


def truth(data: DataFolder, video_id: str, seconds: int) -> list[str]:
    names = (*data.categories, BACKGROUND)
    return [names[place] for place in data.labels(video_id, seconds)]


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["agreement", "product", "joint"])
def test_composed_clips_come_out_right_second_by_second(rule, composed):
    find = by_words(CATEGORIES, rule=rule)
    assert find.categories == CATEGORIES
    seconds = []
    for video_id, video in composed.videos.items():
        seconds += truth(composed, video_id, 10)
        assert said(find, video) == seconds[-10:], video_id
    assert len(seconds) == 140
    assert {*seconds} == {*CATEGORIES, BACKGROUND}


@pytest.mark.slow
def test_a_list_of_one_label_is_answered_with_none_where_nothing_fits(composed):
    find = by_words(["an ape shouting"])
    kinds = set()
    for video_id, video in composed.videos.items():
        expected = ["an ape shouting" if name == "Ape" else BACKGROUND for name in truth(composed, video_id, 10)]
        assert said(find, video) == expected
        if "an ape shouting" not in expected:
            kinds |= {line.category for line in composed.lines[video_id]}
            assert find(video).summary().startswith("no event; nearest: an ape shouting 0.")
    assert kinds == {"Bee", "Cow", BACKGROUND}


@pytest.fixture
def pair(tmp_path):
    """Folders of a tiny CLIP and a tiny CLAP with random weights, as names; and the networks."""
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    networks = {}
    for family in ("clip", "clap"):
        networks[family] = save_hf(family, tmp_path / family)[0]
        save_tokenizer(tmp_path / family)
    return f"hf:{tmp_path / 'clip'}", f"hf:{tmp_path / 'clap'}", networks


PROMPTS = Prompts(visual=("a photo of {}.", "video of {}"), audio=("the sound of {}.",))


@torch.no_grad()
def texts_by_hand(folder: Path, sentences: list[list[str]]) -> list[list[float]]:
    """Mean embedding of the sentences of each text, one sentence at a time, by the library's own call."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def embedded(sentence: str) -> Tensor:
        inputs = tokenizer(sentence, return_tensors="pt")
        return F.normalize(model.get_text_features(inputs["input_ids"]).pooler_output[0], dim=-1)

    return [torch.stack([embedded(sentence) for sentence in several]).mean(0).tolist() for several in sentences]


def test_networks_of_transformers_answer_as_by_hand(pair, tmp_path):
    visual, audio, networks = pair
    video = make_video(tmp_path / "a.mp4", [(255, 250, 240), (10, 20, 30), (200, 30, 30)], size=64)
    labels, distractors = ["a dog barks", "Church Bell"], ["silence", "video"]
    find = Localizer.from_labels(
        labels, visual=visual, audio=audio, distractors=distractors, prompts=PROMPTS, device="cpu"
    )
    assert find.name == f"words by {find.settings.visual} and {find.settings.audio}"
    seen: list[Tensor] = []
    events = find(video, on_window=lambda window, output: seen.extend(window.features))
    assert (seen[0].shape, seen[1].shape) == ((3, 1, 1, 8), (3, 8))
    texts = [text.lower() for text in (*labels, *distractors)]
    visual_texts = texts_by_hand(
        tmp_path / "clip", [[prompt.format(text) for prompt in PROMPTS.visual] for text in texts]
    )
    audio_texts = texts_by_hand(tmp_path / "clap", [[f"the sound of {text}."] for text in texts])
    scales = [networks["clip"].logit_scale.exp().item(), networks["clap"].logit_scale_a.exp().item()]
    for second, picture, sound in zip(events.seconds, seen[0][:, 0, 0].tolist(), seen[1].tolist(), strict=True):
        fits = word_rules.fits(picture, sound, visual_texts, audio_texts, *scales)
        surest = max(min(word_rules.clears(fit, place, 0.5) for fit in fits[:2]) for place in range(2))
        assert second.relevance == pytest.approx(1 / (1 + math.exp(-surest)), abs=1e-3)
        assert sum(second.scores.values()) == pytest.approx(1, abs=1e-4)


@pytest.mark.slow
def test_a_saved_localizer_answers_alike_without_reading_again(pair, tmp_path, monkeypatch):
    visual, audio, _ = pair
    video = make_video(tmp_path / "a.mp4", [(255, 250, 240), (10, 20, 30)], size=64)
    find = Localizer.from_labels(["a dog"], visual=visual, audio=audio, rule="product", device="cpu")
    expected = find(video)
    find.save_pretrained(tmp_path / "saved")
    monkeypatch.setattr("dmin.backbones.text_tower", None)
    again = Localizer.from_pretrained(tmp_path / "saved", device="cpu")
    assert again.digest == find.digest
    assert (again.categories, again(video).seconds) == (("a dog",), expected.seconds)
    assert "knows a dog" in again.about
    with closing(find.many([video, tmp_path / "gone.mp4"], workers=2)) as answers:
        (there,) = [answer for path, answer in answers if path == video]
    assert there.seconds[0].relevance == pytest.approx(expected.seconds[0].relevance, abs=1e-4)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "there is no label: name what may be seen and heard"),
        ([" "], "there is no label"),
        (["dog", " "], "label 2 of 2 is empty: give it a name, or take it out"),
        (["Dog", "cat", " dog "], "label 'dog' stands twice: each may stand once"),
        (["dog", "background"], "'background' is no label: seconds that fit none are background"),
        ("dog, cat", "labels are one text, 'dog, cat': give a list of texts"),
    ],
)
def test_labels_that_will_not_do(labels, message):
    with pytest.raises(ModelError, match=message):
        by_words(labels)


def test_blanks_around_labels_are_taken_off():
    assert checked([" dog barking", "church bell "]) == ("dog barking", "church bell")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"visual": "lite0"}, "lite0 does not read: give hf:OWNER/NAME of CLIP's or SigLIP's kind or sees-colours"),
        ({"audio": "sfx"}, "sfx does not read: give hf:OWNER/NAME of CLAP's kind or hears-tones"),
        ({"rule": "both"}, "unknown rule 'both'"),
        ({"distractors": [" dog "]}, "distractors has dog, which is a label"),
        ({"distractors": "silence"}, "distractors are one text, 'silence': give a list of texts"),
    ],
)
def test_backbones_and_rules_that_will_not_do(options, message):
    with pytest.raises(ModelError, match=message):
        Localizer.from_labels(["dog"], **{"visual": "sees-colours", "audio": "hears-tones"} | options)


def test_a_joint_rule_needs_one_space(monkeypatch):
    monkeypatch.setattr(Hears, "card", dataclasses.replace(Hears.card, name="hears-apart", space="tones"))
    monkeypatch.setitem(registry._makers._entries, "hears-apart", (Hears.card, Hears))
    with pytest.raises(ModelError, match="rule is 'joint', but picture and sound share no space"):
        Localizer.from_labels(["dog"], visual="sees-colours", audio="hears-apart", rule="joint")


@pytest.mark.parametrize("prompts", [(), ("a photo",), ("{} and {}",)])
def test_prompts_without_a_place_for_the_text(prompts):
    with pytest.raises(ModelError, match=r"visual prompts are .*: give at least one, each with one \{\} in it"):
        Prompts(visual=prompts)


def test_licences_are_told_before_anything_is_loaded(caplog):
    with caplog.at_level("INFO", "dmin"):
        by_words(["Ape"])
    assert caplog.messages == ["sees-colours, 1: licence mine; ", "hears-tones, 1: licence mine; "]


def test_everyday_distractors_leave_out_what_a_label_may_mean():
    assert everyday(["accordion"]) == tuple(EVERYDAY)
    left_out = set(EVERYDAY) - set(everyday(["a woman talking", "church bells"]))
    assert left_out == {"people speaking", "a bell"}
    assert (VISUAL, AUDIO) == ("hf:google/siglip2-base-patch16-224", "hf:laion/clap-htsat-unfused")
