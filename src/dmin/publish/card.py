"""A model's card for the hub, as dmin writes it; `card.md.jinja` is its form. One that a person has edited is known."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from dmin import backbones
from dmin.models.settings import InferenceSettings, LocalizerSettings
from dmin.publish.run import RECIPE_FILE, Evaluation, Figure, Run
from dmin.report.template import template

_SIGNATURE = "\n<!-- dmin wrote this card ({digest}); `dmin push` renews it unless somebody edits it -->\n"
_TAGS = {"localization": "audio-visual-event-localization", "matching": "cross-modality-localization"}
_KINDS = {
    "segment_accuracy": "accuracy",
    "event_accuracy": "accuracy",
    "boundary_f1": "f1",
    "category_accuracy_given_event": "accuracy",
    "relevance_f1": "f1",
    "event_f1": "f1",
    "exact": "accuracy",
    "mean_absolute_offset_seconds": "mae",
}
"""The hub's metric by a figure's key. The others, which are of dmin alone, stand in the card's text only."""


def model_card(run: Run, repository: str, licence: str | None = None) -> str:
    """Write the card of a run.

    Args:
        run: The run.
        repository: The name that it gets on the hub, owner/name.
        licence: Of the model, as the hub names it, e.g. apache-2.0; None if it is not known.

    Returns:
        Markdown with metadata at its top, signed at its end.
    """
    text = template("card.md.jinja", "dmin.publish").render(
        metadata=_metadata(run, repository, licence).to_yaml().strip(),
        repository=repository,
        licence=licence,
        network=type(run.model).__name__,
        parameters=f"{run.model.parameter_count:,}",
        config=run.model.config,
        settings=run.settings,
        evaluations=run.evaluations,
        recipe=(run.folder / RECIPE_FILE).is_file(),
        backbones=_licences(run.settings),
        plugin=not type(run.model).__module__.startswith("dmin."),
        **_of_task(run),
    )
    return text + _SIGNATURE.format(digest=_digest(text))


def stated_licence(card: str) -> str | None:
    """The licence at the top of a card."""
    return getattr(ModelCard(card).data, "license", None)


def is_untouched(card: str, run: Run) -> bool:
    """Tell whether a card is as dmin wrote it: `model_card`, or the short one of `save_pretrained`."""
    text, digest = card, ""
    if found := re.search(re.escape(_SIGNATURE).replace(r"\{digest\}", "([0-9a-f]+)") + r"\Z", card):
        text, digest = card[: found.start()], found[1]
    return digest == _digest(text) or card.strip() == str(run.model.generate_model_card()).strip()


def _licences(settings: InferenceSettings) -> dict[str, str]:
    """Licences of the backbones by name; older settings hold none, and then dmin's own cards say it."""
    cards = backbones.cards()
    stated = {settings.visual: settings.visual_licence, settings.audio: settings.audio_licence}
    return {name: licence or cards[name].licence for name, licence in stated.items() if licence or name in cards}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _of_task(run: Run) -> dict[str, Any]:
    if isinstance(run.settings, LocalizerSettings):
        return {"events": True}
    sound_asks = run.model.config.direction == "a2v"
    asking, asked = ("sound", "picture") if sound_asks else ("picture", "sound")
    query, inside = ("query.wav", "video.mp4") if sound_asks else ("query.mp4", "sound.wav")
    return {
        "events": False,
        "asking": asking,
        "asked": asked,
        "query": query,
        "inside": inside,
        "protocol": run.model.protocol,
    }


def _metadata(run: Run, repository: str, licence: str | None) -> ModelCardData:
    """Metadata for the hub. It has no name for either task of dmin, so there is no pipeline_tag."""
    task = "localization" if isinstance(run.settings, LocalizerSettings) else "matching"
    results = [
        _result(_TAGS[task], evaluation, figure)
        for evaluation in run.evaluations
        for figure in evaluation.figures
        if figure.key in _KINDS
    ]
    return ModelCardData(
        license=licence,
        library_name="dmin",
        tags=[_TAGS[task], type(run.model).__name__.lower(), "audio", "video"],
        model_name=repository.split("/")[1] if results else None,
        eval_results=results or None,
    )


def _result(task: str, evaluation: Evaluation, figure: Figure) -> EvalResult:
    interval = figure.interval
    bounds = "" if interval.low is None else f", 95 % interval {interval.low:.3f} to {interval.high:.3f}"
    return EvalResult(
        task_type=task,
        dataset_type=re.sub(r"[^\w.-]+", "-", evaluation.data),
        dataset_name=evaluation.data,
        dataset_split=evaluation.split,
        metric_type=_KINDS[figure.key],
        metric_name=f"{figure.name}{bounds}",
        metric_value=round(interval.value, 4),
    )
