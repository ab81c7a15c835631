from __future__ import annotations

import warnings

import pytest
import yaml
from publish_runs import EVENTS, leave_evaluation, make_matching_run, make_run

from dmin.errors import ModelError
from dmin.publish.card import is_untouched, model_card, stated_licence
from dmin.publish.run import Run


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run")


def card_of(folder, licence=None):
    """Metadata and text."""
    _, head, text = model_card(Run.open(folder), "ann/bells", licence).split("---\n", 2)
    return yaml.safe_load(head), text


def test_what_the_hub_reads(run):
    head, _ = card_of(run, "mit")
    tags = ["audio-visual-event-localization", "dmin", "audio", "video"]
    assert head == {"library_name": "dmin", "license": "mit", "tags": tags}
    assert "license" not in card_of(run)[0]


def test_what_people_read(run):
    _, text = card_of(run)
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert [line[3:] for line in headings] == [
        "What it does", "Categories", "Data", "Licence", "Metrics", "How to use",
    ]  # fmt: skip
    for words in (
        "Finds events in videos",
        "Bell, Dog, Rain",
        "A second counts as event from a relevance of 0.5.",
        "`tiny-visual` version 1 at 2 frames a second, `tiny-audio` version 1 at 100 Hz,\n  windows of 4 s",
        "- **Recipe**: `train.yaml`",
        "- **Model**: not stated",
        "Not known to this card: `dmin evaluate ann/bells STORE --split test` finds them.",
        "dmin localize video.mp4 --model ann/bells",
        'Localizer.from_pretrained("ann/bells")',
    ):
        assert words in text
    assert "\n\n\n" not in text
    assert "--plugin" not in text


def test_licences_of_backbones_are_known(run):
    text = (run / "localizer.json").read_text().replace("tiny-visual", "lite0").replace("tiny-audio", "sfx")
    (run / "localizer.json").write_text(text)
    assert "- **Backbone `lite0`**, not part of this repository: Apache-2.0\n- **Backbone `sfx`**" in card_of(run)[1]


def test_figures_of_an_evaluation_with_their_intervals(run):
    leave_evaluation(run / "test")
    head, text = card_of(run)
    assert "On test of clips-store, 20 clips, at threshold 0.5:" in text
    assert "| segment accuracy | 0.910 [0.850, 0.960] |\n| when: event / background, category given | 0.930" in text
    assert "| boundaries, F1, seconds off at most 0 | 0.400 [0.300, 0.500] |\n" in text
    assert "| what: category, seconds given | 0.750 |\n" in text
    assert "| whole events, F1 at IoU 0.5 | 0.600 |" in text
    assert "Not known" not in text
    assert "somewhere" not in text
    (index,) = head["model-index"]
    assert index["name"] == "bells"
    (result,) = index["results"]
    assert result["dataset"] == {"name": "clips-store", "type": "clips-store", "split": "test"}
    assert result["metrics"][0] == {
        "type": "accuracy", "value": 0.91, "name": "segment accuracy, 95 % interval 0.850 to 0.960",
    }  # fmt: skip
    assert [metric["type"] for metric in result["metrics"]] == [
        "accuracy",
        "accuracy",
        *["f1"] * 2,
        "accuracy",
        *["f1"] * 3,
    ]


def test_what_is_no_evaluation_or_not_of_these_weights_is_left_out(run):
    leave_evaluation(run / "other", {"loss": 1.0})
    leave_evaluation(run / "listed", [1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Run.open(run).evaluations == ()
    leave_evaluation(run / "old", older=True)
    leave_evaluation(run, EVENTS | {"split": "val"})
    with pytest.warns(UserWarning, match=r"old.metrics.json is older than the model and is left out of its card"):
        assert [evaluation.split for evaluation in Run.open(run).evaluations] == ["val"]


@pytest.mark.parametrize(
    ("direction", "sentence", "command"),
    [
        (
            "a2v",
            "a few seconds of sound belong in the picture",
            "dmin match query.wav --in video.mp4 --model ann/bells",
        ),
        (
            "v2a",
            "a few seconds of picture belong in the sound",
            "dmin match query.mp4 --in sound.wav --model ann/bells",
        ),
    ],
)
def test_a_model_of_matching(tmp_path, direction, sentence, command):
    make_matching_run(tmp_path, direction)
    exact = {"value": 0.5, "low": 0.4, "high": 0.6, "clips": 9}
    figures = {"exact": exact, "minus_best_prior": exact, "minus_cca": None, "mean_absolute_offset_seconds": exact}
    leave_evaluation(tmp_path / "test", {"data": "store", "split": "test", "clips": 9, **figures})
    head, text = card_of(tmp_path)
    assert head["tags"][:2] == ["cross-modality-localization", "dcmr"]
    assert [metric["type"] for metric in head["model-index"][0]["results"][0]["metrics"]] == ["accuracy", "mae"]
    assert "| model minus best prior | 0.500 [0.400, 0.600] |" in text
    assert "9 clips:\n" in text
    assert sentence in text
    assert command in text
    assert "None: it compares sound and picture" in text


def test_a_card_that_a_person_has_edited_is_known(run):
    opened = Run.open(run)
    card = model_card(opened, "ann/bells", "mit")
    assert is_untouched(card, opened)
    assert is_untouched((run / "README.md").read_text("utf-8"), opened)  # of save_pretrained
    for edited in (card.replace("name them here", "AVE"), card + "And more.\n", "# Mine\n", card.replace("(", "(0", 1)):
        assert not is_untouched(edited, opened)
    assert stated_licence(card) == "mit"
    assert stated_licence("# Mine\n") is None


def test_no_run(tmp_path, run):
    with pytest.raises(ModelError, match="no run folder .*nothing: give a folder that `dmin train` wrote"):
        Run.open(tmp_path / "nothing")
    (run / "localizer.json").unlink()
    with pytest.raises(ModelError, match=r"holds no localizer.json: give a folder .* that ran to its end"):
        Run.open(run)
