"""Labels in words: their texts, and the network that compares each second with these."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from dmin import backbones
from dmin.backbones import Card
from dmin.data.annotations import BACKGROUND
from dmin.errors import ModelError
from dmin.features import Settings
from dmin.models import Words, WordsConfig
from dmin.models.settings import LocalizerSettings
from dmin.progress import Progress, silent

_log = logging.getLogger("dmin")

VISUAL = "hf:google/siglip2-base-patch16-224"
"""Reads and sees; SigLIP 2 (Tschannen et al., 2025), Apache-2.0 by its card, not gated."""
AUDIO = "hf:laion/clap-htsat-unfused"
"""Reads and hears; LAION-CLAP (Wu et al., ICASSP 2023), Apache-2.0 by its card, not gated."""
EVERYDAY: Mapping[str, tuple[str, ...]] = {
    "people speaking": ("speak", "speech", "talk", "voice", "conversation", "narrat", "lectur"),
    "people laughing": ("laugh", "giggl", "chuckl"),
    "a crowd": ("crowd", "audience", "cheer", "applau", "clap"),
    "a child": ("child", "baby", "bab", "kid", "toddler"),
    "music playing": ("music", "song", "instrument", "guitar", "piano", "violin", "drum", "flute", "orchestra", "band"),
    "singing": ("sing", "song", "choir", "vocal"),
    "footsteps": ("foot", "step", "walk"),
    "eating": ("eat", "chew", "food", "dish", "cook", "fry"),
    "a dog": ("dog", "bark", "pupp", "howl"),
    "a cat": ("cat", "meow", "kitten", "purr"),
    "birds": ("bird", "chirp", "tweet", "rooster", "chicken", "duck", "crow", "owl"),
    "a horse": ("horse", "hoof", "hooves", "neigh"),
    "traffic": ("traffic", "car", "truck", "bus", "motor", "vehicle", "road", "driv", "engine", "race"),
    "a train": ("train", "rail", "locomotive"),
    "an aircraft": ("air", "plane", "helicopter", "jet", "fly"),
    "a machine": ("machine", "engine", "saw", "drill", "mower", "vacuum", "tool"),
    "a siren": ("siren", "alarm", "ambulance", "police", "fire"),
    "a bell": ("bell", "chime", "ring", "clock"),
    "a telephone": ("phone", "telephone", "ring"),
    "typing": ("typ", "keyboard", "computer"),
    "a door": ("door", "knock", "gate"),
    "water": ("water", "sea", "ocean", "wave", "river", "stream", "rain", "splash", "swim", "boat"),
    "wind": ("wind", "storm", "blow"),
    "rain": ("rain", "storm", "water", "thunder"),
    "noise": ("noise", "static", "hiss"),
    "silence": ("silen", "quiet"),
    "an empty room": ("room", "indoor", "house"),
    "a street": ("street", "city", "road"),
    "a landscape": ("landscape", "field", "mountain", "forest", "sky"),
    "text on a screen": ("text", "screen", "title", "caption"),
    "a black picture": ("black", "dark"),
}
"""Everyday things that are seen or heard, and beginnings of words: a label with such a word may mean the same thing, so
that the two would share one probability."""


@dataclass(frozen=True)
class Prompts:
    """Sentences that a text is put into, at {}; the embeddings of all are averaged, as CLIP's authors do it.

    The sentences for pictures are of the kind of CLIP's (Radford et al., ICML 2021), those for sounds of LAION-CLAP's.

    Raises:
        ModelError: There is none, or one has no place for the text.
    """

    visual: tuple[str, ...] = ("{}.", "a photo of {}.", "a video of {}.")
    audio: tuple[str, ...] = ("{}.", "the sound of {}.", "this is a sound of {}.")

    def __post_init__(self) -> None:
        for name in ("visual", "audio"):
            templates = getattr(self, name)
            if not templates or any(template.count("{}") != 1 for template in templates):
                raise ModelError(f"{name} prompts are {list(templates)}: give at least one, each with one {{}} in it")


def network_of(
    labels: Sequence[str],
    visual: str = VISUAL,
    audio: str = AUDIO,
    rule: str = "agreement",
    distractors: Sequence[str] | None = None,
    prompts: Prompts | None = None,
    progress: Progress = silent,
) -> tuple[Words, LocalizerSettings]:
    """Make the network and the settings of a localizer; `Localizer.from_labels` says what the arguments are.

    Raises:
        ModelError: A label or a distractor will not do, a backbone does not read, or the rule is unknown.
        MissingPackageError: The extra ``hub`` is needed.
    """
    names, prompts = checked(labels), prompts or Prompts()
    others = everyday(names) if distractors is None else _listed("distractors", distractors)
    sees, hears = backbones.card_that_reads(visual, "visual"), backbones.card_that_reads(audio, "audio")
    config = WordsConfig(
        names,
        visual_size=sees.output_shape[-1],
        audio_size=hears.output_shape[-1],
        distractors=others,
        rule=rule,
        shares_space=sees.space == hears.space,
    )
    for card in (sees, hears):  # all that can be wrong with the arguments has been told by now
        _log.info("%s", card.terms)
        backbones.fetch(card.name, progress, card.version)
    texts = (*names, *others)
    visual_texts, visual_scale = _read(sees, texts, prompts.visual)
    audio_texts, audio_scale = _read(hears, texts, prompts.audio)
    network = Words(replace(config, visual_scale=visual_scale, audio_scale=audio_scale))
    network.load_state_dict({"visual_texts": visual_texts, "audio_texts": audio_texts})
    # At 0.5, a rule is just met; no second looks at its neighbours, so the length of windows is of no matter.
    return network, LocalizerSettings.of(Settings.of(sees, hears), window_seconds=10, threshold=0.5)


def checked(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels without the blanks around them.

    Raises:
        ModelError: There is none, or one is empty, stands twice, or has a meaning of its own.
    """
    names = _listed("labels", labels)
    if not any(names):
        raise ModelError("there is no label: name what may be seen and heard, as in 'dog barking, church bell'")
    for place, name in enumerate(names, start=1):
        if not name:
            raise ModelError(f"label {place} of {len(names)} is empty: give it a name, or take it out")
        if name.casefold() == BACKGROUND.casefold():
            raise ModelError(f"{name!r} is no label: seconds that fit none are background without being asked for")
        if name.casefold() in {other.casefold() for other in names[: place - 1]}:
            raise ModelError(f"label {name!r} stands twice: each may stand once")
    return names


def _listed(what: str, texts: Sequence[str]) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise ModelError(f"{what} are one text, {texts!r}: give a list of texts")
    return tuple(text.strip() for text in texts)


def everyday(labels: Sequence[str]) -> tuple[str, ...]:
    """Distractors for labels: all of `EVERYDAY` that may not mean the same thing as a label.

    Example:
        >>> set(EVERYDAY) - set(everyday(["Dog barking", "someone speaking"])) == {"a dog", "people speaking"}
        True
    """
    words = re.findall(r"\w+", " ".join(labels).lower())
    return tuple(
        name for name, beginnings in EVERYDAY.items() if not any(word.startswith(beginnings) for word in words)
    )


def _read(card: Card, texts: Sequence[str], prompts: Sequence[str]) -> tuple[Tensor, float]:
    """Embeddings [K, D] of texts, and the factor of cosines with them; what reads them is not kept."""
    tower = backbones.text_tower(card)
    each = [F.normalize(tower.embed([prompt.replace("{}", text) for text in texts]), dim=-1) for prompt in prompts]
    return torch.stack(each).mean(0), tower.scale
