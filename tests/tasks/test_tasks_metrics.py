import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.lab.zoo.joint import JointFullSupervision, JointWeakSupervision
from dmin.tasks.localization import FullSupervision
from dmin.tasks.metrics import ClipAccuracy, ExactWindow, SegmentAccuracy
from dmin.tasks.objectives import OBJECTIVES, LossOptions
from dmin.tasks.weak_supervision import WeakSupervision


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


def test_shares_add_up_over_batches():
    metric = ExactWindow()
    assert float(metric.compute()) == 0.0
    metric.update(torch.tensor([1, 2, 3]), torch.tensor([1, 0, 0]))
    metric.update(torch.tensor([0]), torch.tensor([4]))
    assert float(metric.compute()) == 0.25
    assert metric.higher_is_better


def test_what_each_kind_of_answer_is_trained_on():
    """Options reach the task that they are for; without any, the defaults are those of the paper and of AVEL."""
    make = {name: OBJECTIVES[name] for name in ("decoupled", "joint")}
    default = LossOptions()
    assert make["decoupled"](3, "full", default) == FullSupervision(3, 0.1, "mean")
    assert make["decoupled"](3, "weak", default) == WeakSupervision(3, 0.1, "probabilities")
    assert make["joint"](3, "full", default) == JointFullSupervision(3, "cross-entropy", 0.0)
    assert make["joint"](3, "weak", default) == JointWeakSupervision(3, "max", "labels")
    given = LossOptions(
        unimodal_weight=0.3, relevance_loss="sum", mil_pooling="logits", segment_loss="soft-margin",
        agreement_weight=2.0, clip_target="proportions", select="clip",
    )  # fmt: skip
    assert make["decoupled"](3, "full", given) == FullSupervision(3, 0.3, "sum", select="clip")
    assert make["decoupled"](3, "weak", given) == WeakSupervision(3, 0.3, "logits", select="clip")
    assert make["joint"](3, "full", given) == JointFullSupervision(3, "soft-margin", 2.0, select="clip")
    assert make["joint"](3, "weak", given) == JointWeakSupervision(3, "logits", "proportions", select="clip")
    assert WeakSupervision(3) == WeakSupervision(3, 0.08, "probabilities")
