"""Training on features that are averaged over their regions."""

import csv
from dataclasses import replace

import pytest

from dmin.data.folder import DataFolder
from dmin.errors import DataError, ModelError
from dmin.evaluation import evaluate, evaluate_matching
from dmin.features import FeatureStore
from dmin.inference import Localizer
from dmin.models import MatchingModel
from dmin.models.settings import LocalizerSettings, MatcherSettings
from dmin.models.systems import load_network, merged
from dmin.training.fit import fit
from dmin.training.prepare import job_of
from dmin.training.presets import options_of
from dmin.training.recipe import recipe_from
from tiny_stores import make_store


@pytest.fixture(scope="module")
def pooled_store(tiny_store, tmp_path_factory):
    """The tiny store with its maps averaged."""
    folder = make_store(tmp_path_factory.mktemp("pooled") / "store", pooled=True)
    assert DataFolder.open(folder).splits == DataFolder.open(tiny_store).splits
    return folder


def recipe(*presets, **options):
    schedule = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "device": "cpu"}
    return recipe_from(merged(*(options_of(name) for name in presets), schedule, options))


SMALL_DMIN = {"model": {"width": 16, "visual_width": 16}}
POOLING = {
    "avsdn": recipe(system="avsdn", model={"width": 16}),
    "avin": recipe(system="avin", model={"width": 16}),
    "avel-video": recipe(system="avel-video", model={"modality": "visual", "width": 16}),
    "dmin": recipe("small", "no-agta", model={"width": 16, "visual_width": None}),
    "dcmr": recipe("a2v-small", model={"width": 16}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", POOLING)
def test_a_network_that_averages_maps_learns_the_same_from_averaged_ones(name, tiny_store, pooled_store, tmp_path):
    rows = []
    for store in (tiny_store, pooled_store):
        fit(store, tmp_path / store.parent.name, POOLING[name])
        with (tmp_path / store.parent.name / "metrics.csv").open() as file:
            rows.append([float(value) for row in csv.DictReader(file) for value in row.values()])
    assert rows[0] == pytest.approx(rows[1], rel=2e-3)


@pytest.mark.parametrize("system", ["dmin", "avel", "psp"])
def test_systems_that_look_at_regions_refuse_pooled_features(system, tiny_store, pooled_store, tmp_path):
    ours = recipe(system=system)
    job_of(tiny_store, ours)
    with pytest.raises(DataError) as caught:
        fit(pooled_store, tmp_path / "run", ours)
    assert str(caught.value) == (
        f"the store {pooled_store} holds features averaged over regions (pooled), and the system {system} looks at "
        "regions: choose avel-audio, avel-video, avin, avsdn, or dmin with --preset no-agta, or extract again without "
        "--pooled"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("preset", ["no-agta", "agta-no-spatial"])
def test_dmin_without_attention_over_regions_takes_them(preset, pooled_store, tmp_path):
    fit(pooled_store, tmp_path / "run", recipe("small", preset, epochs=1, **SMALL_DMIN))
    assert LocalizerSettings.load(tmp_path / "run").pooled


@pytest.mark.slow
def test_a_model_meets_features_of_the_kind_that_it_was_trained_on(
    tiny_store, pooled_store, tmp_path, tiny_backbones, video, monkeypatch
):
    fit(pooled_store, tmp_path / "run", recipe("small", "no-agta", **SMALL_DMIN))
    find = Localizer.from_pretrained(tmp_path / "run")
    evaluate(find, pooled_store, "test")
    with pytest.raises(
        ModelError,
        match=r"Hz, averaged over regions \(pooled\), the store .* backbones and with --pooled",
    ):
        evaluate(find, tiny_store, "test")
    whole, means = (FeatureStore.open(store).read("clip20") for store in (tiny_store, pooled_store))
    answers = []
    for features in (whole, means):
        monkeypatch.setattr(
            "dmin.inference.localizer.stream_features", lambda *_, features=features, **__: iter([features])
        )
        answers.append([second.relevance for second in find(video).seconds])
    assert answers[0] == pytest.approx(answers[1], abs=1e-3)
    assert FeatureStore.open(tiny_store).settings == replace(find.settings.features, pooled=False)


@pytest.mark.slow
def test_a_matcher_is_scored_on_pooled_features(pooled_store, tiny_store, tmp_path):
    fit(pooled_store, tmp_path / "run", POOLING["dcmr"])
    model, settings = load_network(tmp_path / "run", MatchingModel), MatcherSettings.load(tmp_path / "run")
    assert settings.pooled
    evaluate_matching(model, settings, pooled_store, "test", name="run")
    with pytest.raises(ModelError, match="and with --pooled"):
        evaluate_matching(model, settings, tiny_store, "test", name="run")
