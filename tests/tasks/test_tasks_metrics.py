import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.tasks.metrics import ClipAccuracy, SegmentAccuracy
from dmin.tasks.objectives import OBJECTIVES, LossOptions


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.integers(0, 10_000))
def test_a_clip_is_right_if_its_set_of_categories_is(clips, seconds, categories, seed):
    generator = torch.Generator().manual_seed(seed)
    predicted, labels = torch.randint(0, categories + 1, (2, clips, seconds), generator=generator)
    lengths = torch.randint(1, seconds + 1, (clips,), generator=generator)
    right = 0
    for i, length in enumerate(lengths.tolist()):
        found, true = (set(each[i, :length].tolist()) - {categories} for each in (predicted, labels))
        right += found == true
    metric = ClipAccuracy(categories)
    half = clips // 2
    mask = torch.arange(seconds)[None] < lengths[:, None]
    for part in (slice(0, half), slice(half, clips)):  # batches add up
        metric.update(predicted[part], labels[part], mask[part])
    assert float(metric.compute()) == pytest.approx(right / clips)


@pytest.mark.parametrize("objective", ["decoupled", "joint"])
@pytest.mark.parametrize("supervision", ["full", "weak"])
def test_a_recipe_says_what_chooses_the_epoch(objective, supervision):
    def metric(**options):
        return OBJECTIVES[objective](3, supervision, LossOptions(**options)).metric()

    assert isinstance(metric(), SegmentAccuracy)
    assert isinstance(metric(select="segment"), SegmentAccuracy)
    assert isinstance(metric(select="clip"), ClipAccuracy)
    assert metric(select="clip").categories == 3
    with pytest.raises(ModelError, match="unknown select 'clips': did you mean 'clip'"):
        metric(select="clips")
