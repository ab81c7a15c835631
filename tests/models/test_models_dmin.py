from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.models import DMIN, PADDING_LOGIT, DMINConfig
from dmin.models.config import config_from
from dmin.models.systems import merged
from dmin.training.presets import recipe_of
from oracles import dmin as oracle
from oracles.checks import (
    FEW,
    assert_agree,
    assert_finite,
    assert_reaches_all,
    draw,
    dropouts_of,
    in_float64,
)

TINY = {
    "category_names": ("Dog", "Rain", "Bell"),
    "visual_size": 5,
    "audio_size": 3,
    "visual_width": 6,
    "width": 4,
    "encoder": {"heads": 2, "hidden": 5},
    "inter_modality": {"heads": 2, "hidden": 5},
    "fusion": {"heads": 2},
    "visual_attention": {"size": 4, "bottleneck": 3, "factors": 2},
}
PRESETS = ["paper", "official-full"]
LOGITS = ("relevance_logits", "category_logits", "unimodal_category_logits")
MAPS = ("spatial", "channel", "temporal_visual", "temporal_audio", "inter_modality_visual", "inter_modality_audio")


def tiny(preset="paper", **options):
    return in_float64(DMIN(recipe_of(preset, model=merged(TINY, options)).model))


def clips(batch=2, seconds=4, rows=2, columns=3, seed=0):
    return draw(batch, seconds, rows, columns, 5, seed=seed), draw(batch, seconds, 3, seed=seed + 1)


def prefix_mask(lengths, seconds):
    return torch.arange(seconds) < torch.tensor(lengths)[:, None]


def scalar(output):
    """One number out of all logits, in which the padding's huge ones stand still."""
    return sum(getattr(output, name).tanh().square().sum() for name in LOGITS)


@FEW
@given(
    preset=st.sampled_from(PRESETS),
    batch=st.integers(1, 2),
    seconds=st.integers(1, 3),
    rows=st.integers(1, 2),
    columns=st.integers(1, 3),
    heads=st.sampled_from([1, 2, 4]),
    visual_width=st.sampled_from([None, 6]),
    alpha=st.floats(0, 1),
)
def test_against_the_oracle(preset, batch, seconds, rows, columns, heads, visual_width, alpha):
    model = tiny(
        preset, encoder={"heads": heads}, inter_modality={"heads": heads, "alpha": alpha}, visual_width=visual_width
    )
    visual, audio = clips(batch, seconds, rows, columns)
    output = model(visual, audio, return_attention=True)
    for clip in range(batch):
        literal = oracle.dmin(model, visual[clip].detach().numpy(), audio[clip].detach().numpy())
        for name in LOGITS:
            assert_agree(getattr(output, name)[clip], literal[name])
        for name in MAPS:
            assert_agree(getattr(output.attention, name)[clip], literal[name])


@FEW
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4), preset=st.sampled_from(PRESETS))
def test_a_batch_of_unequal_lengths_answers_as_clip_by_clip(lengths, preset):
    model, seconds = tiny(preset), max(lengths) + 1
    visual, audio = clips(len(lengths), seconds)
    together = model(visual, audio, prefix_mask(lengths, seconds), return_attention=True)
    for clip, length in enumerate(lengths):
        alone = model(visual[clip : clip + 1, :length], audio[clip : clip + 1, :length], return_attention=True)
        assert_agree(together.relevance_logits[clip, :length], alone.relevance_logits[0].detach().numpy())
        for name in LOGITS[1:]:
            assert_agree(getattr(together, name)[clip], getattr(alone, name)[0].detach().numpy())
        for name in ("spatial", "channel"):
            assert_agree(
                getattr(together.attention, name)[clip, :length], getattr(alone.attention, name)[0].detach().numpy()
            )
        own, other = together.attention.inter_modality_visual[clip, :, :length].split(seconds, -1)
        halves = torch.cat([own[..., :length], other[..., :length]], -1)
        assert_agree(halves, alone.attention.inter_modality_visual[0].detach().numpy())


def test_whatever_stands_in_the_padding():
    model, mask = tiny(), prefix_mask([4, 2], 4)
    visual, audio = (tensor.detach() for tensor in clips())
    zero = model(visual * mask[..., None, None, None], audio * mask[..., None], mask)
    for junk in (1e6, torch.nan, torch.inf):
        visual[1, 2:], audio[1, 2:] = junk, junk
        output = model(visual, audio, mask)
        for name in LOGITS:
            assert_agree(getattr(output, name), getattr(zero, name).detach().numpy())


def test_padded_seconds_are_no_events_and_get_no_attention():
    mask = prefix_mask([4, 2], 4)
    output = tiny()(*clips(), mask, return_attention=True)
    assert (output.relevance_logits[1, 2:] == PADDING_LOGIT).all()
    maps = output.attention
    assert maps.spatial[1, 2:].abs().max() == 0
    assert maps.channel[1, 2:].abs().max() == 0
    for name in MAPS[2:]:
        weights = getattr(maps, name)[1]  # [heads, 4, 4 or 8]
        assert weights[:, 2:].abs().max() == 0
        assert_agree(weights[:, :2].sum(-1), torch.ones(2, 2))
    assert PADDING_LOGIT == torch.tensor(PADDING_LOGIT).bfloat16() == torch.tensor(PADDING_LOGIT).half()


def test_asking_for_attention_changes_no_answer():
    model, mask = tiny(), prefix_mask([4, 2], 4)
    plain, asked = model(*clips(), mask), model(*clips(), mask, return_attention=True)
    assert plain.attention is None
    for name in LOGITS:
        assert_agree(getattr(plain, name), getattr(asked, name).detach().numpy())


def test_a_mask_of_real_seconds_only_is_no_mask():
    model = tiny()
    with_mask, without = model(*clips(), prefix_mask([4, 4], 4)), model(*clips())
    for name in LOGITS:
        assert_agree(getattr(with_mask, name), getattr(without, name).detach().numpy())


def test_features_in_half_precision_are_taken_as_they_are_stored():
    model = tiny().float()
    visual, audio = (tensor.detach().half() for tensor in clips())
    assert torch.equal(model(visual, audio).category_logits, model(visual.float(), audio.float()).category_logits)


@pytest.mark.parametrize("preset", PRESETS)
def test_gradients_of_the_inputs(preset):
    # The parameters' gradients are checked layer by layer, and as a whole against the released network's.
    model, mask = tiny(preset), prefix_mask([3, 2], 3)
    for own_mask in (None, mask):
        assert torch.autograd.gradcheck(
            lambda v, a, own_mask=own_mask: scalar(model(v, a, own_mask)),
            clips(seconds=3, rows=1),
            fast_mode=True,
            check_undefined_grad=False,
        )


def test_gradients_reach_all_parameters():
    model = tiny("official-full")
    assert_reaches_all(model, scalar(model(*clips(), prefix_mask([4, 2], 4))))


def test_zero_input_has_finite_gradients():
    model = DMIN(config_from(DMINConfig, TINY))
    assert_finite(model, scalar(model(torch.zeros(2, 3, 2, 2, 5), torch.zeros(2, 3, 3))))


@pytest.mark.parametrize("masked", [False, True])
def test_bfloat16_autocast_is_finite_and_close(masked):
    torch.manual_seed(0)
    model = DMIN(config_from(DMINConfig, TINY)).eval()
    visual, audio = (tensor.detach().float() for tensor in clips())
    mask = prefix_mask([4, 2], 4) if masked else None
    exact = model(visual, audio, mask)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(visual, audio, mask, return_attention=True)
    for name in LOGITS:
        torch.testing.assert_close(getattr(rough, name).float(), getattr(exact, name), atol=0.1, rtol=0.05)
    for name in ("spatial", *MAPS[2:]):  # every softmax is calculated in float32
        assert getattr(rough.attention, name).dtype == torch.float32
    assert_finite(model, scalar(rough).float())


def test_a_network_in_bfloat16_runs():
    model = DMIN(config_from(DMINConfig, TINY)).eval().bfloat16()
    output = model(*clips(), prefix_mask([4, 2], 4), return_attention=True)
    assert output.category_logits.dtype == torch.bfloat16
    assert output.category_logits.isfinite().all()


@pytest.mark.slow
def test_compiled_answers_are_the_same():
    # Traced, but not turned into machine code: that needs a C compiler and minutes.
    model = tiny(encoder={"layers": 1})
    eager, traced = model(*clips()), torch.compile(model, backend="eager")(*clips())
    for name in LOGITS:
        assert_agree(getattr(traced, name), getattr(eager, name).detach().numpy())
    assert_reaches_all(model, scalar(traced))


@pytest.mark.parametrize(
    ("visual", "audio", "message"),
    [
        ((2, 4, 3, 3, 7), (2, 4, 3), r"got visual \[2, 4, 3, 3, 7\] and audio \[2, 4, 3\]: must be \[B, T, H, W, 5\]"),
        ((2, 4, 3, 3, 5), (2, 4, 9), r"and \[B, T, 3\] with the same B and T"),
        ((2, 4, 3, 3, 5), (2, 5, 3), "with the same B and T"),
        ((2, 4, 9, 5), (2, 4, 3), r"must be \[B, T, H, W, 5\]"),
        ((2, 0, 3, 3, 5), (2, 0, 3), "none of them 0"),
    ],
)
def test_shapes_that_do_not_fit(visual, audio, message):
    with pytest.raises(ModelError, match=message):
        DMIN(config_from(DMINConfig, TINY))(torch.zeros(visual), torch.zeros(audio))


def test_features_that_are_no_floats():
    with pytest.raises(ModelError, match=r"visual of torch.uint8 and audio of torch.float32: must be float features"):
        DMIN(config_from(DMINConfig, TINY))(torch.zeros(1, 2, 3, 3, 5, dtype=torch.uint8), torch.zeros(1, 2, 3))


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.ones(2, 3, dtype=torch.bool), r"got mask \[2, 3\] of torch.bool: must be \[2, 4\] of torch.bool"),
        (torch.ones(2, 4), r"got mask \[2, 4\] of torch.float32"),
        (torch.tensor([[True] * 4, [False] * 4]), "each clip needs a real second"),
        (torch.tensor([[True] * 4, [True, False, True, False]]), "padding before a real second"),
    ],
)
def test_masks_that_do_not_fit(mask, message):
    model = tiny()
    with pytest.raises(ModelError, match=message):
        model(*clips(), mask)


def test_a_network_needs_categories():
    with pytest.raises(ModelError, match="category_names is empty: name at least one category"):
        DMIN(DMINConfig())


def test_each_part_has_the_dropout_of_its_option():
    model = tiny(
        visual_dropout=0.5,
        visual_attention={"dropout": 0.75},
        encoder={"dropout": 0.25},
        inter_modality={"dropout": 0.125},
        fusion={"dropout": 0.375},
    )
    parts = ("visual", "visual_encoder", "audio_encoder", "visual_cross", "audio_cross", "fusion")
    rates = {name: dropouts_of(getattr(model, name)) for name in parts}
    assert rates == {
        "visual": {0.5},
        "visual_encoder": {0.25},
        "audio_encoder": {0.25},
        "visual_cross": {0.125},
        "audio_cross": {0.125},
        "fusion": {0.375},
    }
    assert model.agta.bilinear.drop_sums.p == 0.75


def test_the_layer_before_agta_ends_in_dropout():
    model = tiny(visual_dropout=0.5)
    regions = draw(20, 5)
    kept, trained = model.visual(regions), model.train().visual(regions)
    dropped = (trained == 0) & (kept > 0)
    assert dropped.any()
    assert_agree(trained[~dropped], 2 * kept[~dropped].detach().numpy())
