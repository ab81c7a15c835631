"""What holds for every system: cases come from the registry, so a new one is tested by being there."""

from dataclasses import replace

import pytest
import torch
from systems_tiny import NAMES, cases, clips, tiny_network, tiny_recipe, with_events

from dmin.errors import ModelError
from dmin.models import LocalizationModel, MatchingModel, systems
from dmin.models.systems import load_network
from dmin.tasks.decoding import decode, event_scores
from dmin.tasks.objectives import OBJECTIVES, matching_task
from dmin.training.presets import system_options, variants
from dmin.training.recipe import recipe_from

LOCALIZATION = [(*case, None) for case in cases("localization")] + [("dmin", "full", name) for name in variants()]
MATCHING = cases("matching")


def _answers(model, batch):
    """Relevance and categories of real seconds."""
    with torch.no_grad():
        scores = event_scores(model(batch.visual, batch.audio, batch.mask), len(NAMES))
    return torch.cat([scores.relevance[..., None], scores.categories], -1)


def _task(name, kind, variant=None):
    recipe = tiny_recipe(name, kind, variant)
    if recipe.task == "matching":
        return matching_task(systems()[name].network.objective, len(NAMES))
    return OBJECTIVES[systems()[name].network.objective](len(NAMES), kind, recipe)


def test_every_system_of_the_paper_is_here():
    table1 = {"avel-audio", "avel-video", "avel", "avsdn", "cman", "dam", "avrb", "avin", "avt", "cmran", "psp", "dmin"}
    assert table1 | {"avel-dmrn", "psp-proportional"} <= set(systems())
    assert {"dcca", "avdln", "dam-matching", "cmra-star", "dcmr"} <= set(systems())
    for system in systems().values():
        assert all([system.title, system.paper, system.source])
        assert 2000 < system.year < 2030


@pytest.mark.parametrize(("name", "kind", "variant"), LOCALIZATION)
@pytest.mark.parametrize("seconds", [1, 2, 7])
def test_any_length_has_an_answer_of_its_shape(name, kind, variant, seconds):
    model = tiny_network(name, kind, variant).eval()
    batch = clips(3, seconds)
    output = model(batch.visual, batch.audio)
    assert decode(output, len(NAMES)).shape == (3, seconds)
    assert event_scores(output, len(NAMES)).categories.shape == (3, seconds, len(NAMES))


@pytest.mark.parametrize(("name", "kind", "variant"), LOCALIZATION)
def test_padding_and_other_clips_do_not_matter(name, kind, variant):
    model = tiny_network(name, kind, variant).double().eval()
    batch = clips(4, 6)
    lengths = torch.tensor([6, 1, 3, 5])
    mask = torch.arange(6) < lengths[:, None]
    together = _answers(model, _with(batch, mask))
    spoilt = _with(batch, mask)
    spoilt.visual[~mask], spoilt.audio[~mask] = 7.0, -7.0
    assert torch.equal(_answers(model, spoilt)[mask], together[mask])
    for clip, length in enumerate(lengths.tolist()):
        alone = _part(batch, clip, length)
        torch.testing.assert_close(_answers(model, alone)[0], together[clip, :length], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "kind", "variant"), LOCALIZATION)
def test_networks_that_look_at_regions_say_so(name, kind, variant):
    if variant == "agta-no-spatial":
        pytest.skip("weighs channels by all regions, and attends to none of them")
    before_mean = {"visual_width": None} if name == "dmin" else {}  # a layer with ReLU would see more than the mean
    model = tiny_network(name, kind, variant, **before_mean).eval()
    batch = clips(2, 5)
    means = batch.visual.mean((2, 3), keepdim=True).expand_as(batch.visual).contiguous()
    answers = [_answers(model, replace(batch, visual=visual)) for visual in (batch.visual, means)]
    assert torch.allclose(*answers, rtol=0, atol=1e-5) != model.looks_at_regions


@pytest.mark.parametrize(("name", "kind", "variant"), LOCALIZATION)
def test_gradients_reach_every_parameter(name, kind, variant):
    model, batch = tiny_network(name, kind, variant).train(), clips(8)
    task = _task(name, kind, variant)
    task.losses(task.answer(model, batch), batch)["loss"].backward()
    assert _without_gradient(model) == []


@pytest.mark.parametrize(("name", "kind", "variant"), LOCALIZATION)
def test_silence_and_darkness_give_no_nan(name, kind, variant):
    model, batch = tiny_network(name, kind, variant).train(), clips(2)
    batch.visual.zero_(), batch.audio.zero_()
    task = _task(name, kind, variant)
    loss = task.losses(task.answer(model, batch), batch)["loss"]
    loss.backward()
    assert loss.isfinite()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind", "variant"), LOCALIZATION)
def test_it_learns_a_tiny_set(name, kind, variant):
    model, batch, task = tiny_network(name, kind, variant), clips(16, 6), _task(name, kind, variant)
    accuracy = _category_accuracy if kind == "weak" else _task_accuracy
    assert _trained(model, task, batch, accuracy) > 0.9


@pytest.mark.parametrize(("name", "kind"), [case[:2] for case in LOCALIZATION if case[2] is None] + MATCHING)
def test_it_survives_the_disk(name, kind, tmp_path):
    model = tiny_network(name, kind).eval()
    model.save_pretrained(tmp_path)
    base = MatchingModel if systems()[name].task == "matching" else LocalizationModel
    again = load_network(tmp_path, base)
    assert again.config == model.config
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), again.parameters(), strict=True))
    other = LocalizationModel if base is MatchingModel else MatchingModel
    with pytest.raises(ModelError, match="does something else: give a model of"):
        load_network(tmp_path, other)


@pytest.mark.parametrize(("name", "kind"), MATCHING)
@pytest.mark.parametrize("seconds", [2, 5, 9])
def test_matching_has_a_score_a_window(name, kind, seconds):
    model, task = tiny_network(name, kind).eval(), _task(name, kind)
    batch = clips(4, seconds)
    batch.labels[:, 0] = 0
    batch.labels[:, 1:] = len(NAMES)
    scores = task.window_scores(task.answer(model, batch), batch)
    assert scores.shape == (4, seconds)
    assert scores.isfinite().all()


@pytest.mark.parametrize(("name", "kind"), MATCHING)
def test_matching_does_not_look_beyond_the_query_and_the_clip(name, kind):
    options = {"protocol": "strict"} if hasattr(tiny_recipe(name, kind).model, "protocol") else {}
    model, task = tiny_network(name, kind, **options).double().eval(), _task(name, kind)
    batch = with_events(clips(6, 8))
    mask = (torch.arange(8) < 7).expand(len(batch.labels), -1)
    batch = _with(batch, mask)
    query = task.query_mask(batch)
    before = task.window_scores(task.answer(model, batch), batch)
    batch.visual[~mask], batch.audio[~mask] = 5.0, 5.0
    asking = batch.audio if kind == "a2v" else batch.visual
    asking[~query] = -3.0
    after = task.window_scores(task.answer(model, batch), batch)
    torch.testing.assert_close(before, after, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "kind"), MATCHING)
def test_a_query_from_elsewhere_has_an_answer(name, kind):
    model, batch = tiny_network(name, kind).eval(), clips(2, 8)
    visual, audio = batch.visual.mean((2, 3)), batch.audio
    asking, asked = (audio, visual) if kind == "a2v" else (visual, audio)
    output = model.find(asking[:, :3], asked)
    shape = output.similarity.shape if hasattr(output, "similarity") else output.segment_logits.shape
    assert shape in {(2, 8), (2, 3, 8)}
    with pytest.raises(ModelError, match="the query no longer than the candidates"):
        model.find(asking, asked[:, :3])


@pytest.mark.parametrize(("name", "kind"), MATCHING)
def test_gradients_of_matching_reach_every_parameter(name, kind):
    model, batch, task = tiny_network(name, kind).train(), with_events(clips(16)), _task(name, kind)
    task.losses(task.answer(model, batch), batch)["loss"].backward()
    assert _without_gradient(model) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), MATCHING)
def test_matching_learns_a_tiny_set(name, kind):
    model, batch, task = tiny_network(name, kind), with_events(clips(16)), _task(name, kind)
    assert _trained(model, task, batch, _task_accuracy) > 0.9


def _trained(model, task, batch, accuracy, steps=300):
    """The best accuracy on what it is trained on, within so many steps."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    best = 0.0
    for step in range(1, steps + 1):
        model.train()
        optimizer.zero_grad()
        task.losses(task.answer(model, batch), batch)["loss"].backward()
        optimizer.step()
        if step % 20 == 0:
            with torch.no_grad():
                best = max(best, accuracy(task, task.answer(model.eval(), batch), batch))
        if best > 0.9:
            break
    return best


def _task_accuracy(task, output, batch):
    metric = task.metric()
    task.count(metric, output, batch)
    return float(metric.compute())


def _category_accuracy(task, output, batch):
    """Share of event seconds whose category is right: all that labels of whole clips teach in so few steps."""
    event = batch.labels < len(NAMES)
    best = event_scores(output, len(NAMES)).categories.argmax(-1)
    return float((best == batch.labels)[event].float().mean())


def _without_gradient(model):
    return [n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()]


def _with(batch, mask):
    return type(batch)(batch.windows, batch.visual.double(), batch.audio.double(), batch.labels, mask)


def _part(batch, clip, length):
    here = slice(clip, clip + 1)
    return type(batch)(
        batch.windows[here],
        batch.visual[here, :length].double(),
        batch.audio[here, :length].double(),
        batch.labels[here, :length],
        batch.mask[here, :length],
    )


@pytest.mark.parametrize("system", systems().values(), ids=systems())
def test_small_networks_take_features_of_any_size(system):
    """Sizes that no pair of dmin's own has: maps of 3 x 5 with 35 channels, vectors of 13."""
    visual, audio = torch.rand(2, 6, 3, 5, 35), torch.rand(2, 6, 13)
    sizes = {"visual_size": 35, "audio_size": 13}
    for kind in system.kinds:
        recipe = recipe_from(system_options(system.name, kind, "small") | {"task": system.task, "system": system.name})
        if system.task == "matching":
            query = torch.zeros(2, 6, dtype=torch.bool)
            query[:, 1:3] = True
            system.network(replace(recipe.model, **sizes)).eval()(visual.mean((2, 3)), audio, query)
            continue
        config = replace(recipe.model, category_names=("Dog", "Rain"), regions=15, **sizes)
        output = system.network(config).eval()(visual, audio, return_attention=True)
        if output.attention is not None and output.attention.spatial is not None:
            assert output.attention.spatial.shape == (2, 6, 3, 5)
