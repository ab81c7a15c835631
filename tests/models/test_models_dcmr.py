from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dmin.errors import ModelError
from dmin.models import DCMR, DMIN, PADDING_LOGIT, DCMRConfig, DMINConfig
from dmin.models.config import DIRECTIONS, MATCHINGS, PROTOCOLS, config_from
from dmin.models.systems import merged
from dmin.training.presets import recipe_of
from oracles import matching as oracle
from oracles.checks import FEW, assert_agree, assert_reaches_all, draw, dropouts_of, in_float64

TINY = {
    "visual_size": 5,
    "audio_size": 3,
    "width": 4,
    "encoder": {"layers": 1, "heads": 2, "hidden": 5},
    "inter_modality": {"heads": 2, "hidden": 5},
}


def tiny(**options):
    return in_float64(DCMR(config_from(DCMRConfig, merged(TINY, options))))


def queries(*spans, seconds):
    mask = torch.zeros(len(spans), seconds, dtype=torch.bool)
    for clip, (start, stop) in enumerate(spans):
        mask[clip, start:stop] = True
    return mask


def clips(batch, seconds, seed=0):
    return draw(batch, seconds, 5, seed=seed), draw(batch, seconds, 3, seed=seed + 1)


@FEW
@given(
    direction=st.sampled_from(DIRECTIONS),
    matching=st.sampled_from(MATCHINGS),
    protocol=st.sampled_from(PROTOCOLS),
    mean_pairs=st.booleans(),
    spans=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), min_size=1, max_size=3),
)
def test_against_the_oracle(direction, matching, protocol, mean_pairs, spans):
    seconds = 6
    model = tiny(direction=direction, matching=matching, protocol=protocol, inter_modality={"mean_pairs": mean_pairs})
    visual, audio = clips(len(spans), seconds)
    query = queries(*((start, min(start + length, seconds)) for start, length in spans), seconds=seconds)
    logits = model(visual, audio, query).segment_logits
    for clip in range(len(spans)):
        literal = oracle.dcmr(model, *(x[clip].detach().numpy() for x in (visual, audio, query)))
        assert_agree(logits[clip], literal)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("matching", MATCHINGS)
def test_padding_and_neighbours_change_nothing(direction, protocol, matching):
    model = tiny(direction=direction, protocol=protocol, matching=matching)
    visual, audio = clips(2, 6)
    query, mask = queries((1, 3), (0, 4), seconds=6), torch.tensor([[True] * 4 + [False] * 2, [True] * 6])
    together = model(visual, audio, query, mask).segment_logits
    alone = model(visual[:1, :4], audio[:1, :4], query[:1, :4]).segment_logits
    assert_agree(together[:1, :4], alone.detach().numpy())
    assert (together[0, 4:] == PADDING_LOGIT).all()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_strict_sees_nothing_of_the_asking_modality_but_the_query(direction):
    visual, audio = clips(1, 6)
    query = queries((2, 4), seconds=6)
    asking, asked = (audio, visual) if direction == "a2v" else (visual, audio)
    other = asking.detach().clone()
    other[~query] = 7.0
    again = (visual, other) if direction == "a2v" else (other, audio)
    strict, context = (tiny(direction=direction, protocol=protocol) for protocol in ("strict", "context"))
    assert torch.equal(strict(visual, audio, query).segment_logits, strict(*again, query).segment_logits)
    assert not torch.equal(context(visual, audio, query).segment_logits, context(*again, query).segment_logits)
    found = strict.find(asking[:, 2:4], asked).segment_logits
    assert_agree(found, strict(visual, audio, query).segment_logits.detach().numpy())


@pytest.mark.parametrize("matching", MATCHINGS)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_gradients_reach_all_parameters(direction, matching):
    model = tiny(direction=direction, matching=matching)
    assert_reaches_all(model, model(*clips(2, 5), queries((1, 3), (0, 4), seconds=5)).segment_logits.square().sum())


def test_the_released_start_is_blind_and_ours_is_not():
    torch.manual_seed(0)
    visual, audio = torch.rand(2, 10, 5), torch.rand(2, 10, 3)
    query = queries((2, 6), (4, 9), seconds=10)
    released = DCMR(recipe_of("official-a2v", model=TINY).model).eval()(visual, audio, query).segment_logits
    assert released.std() < 1e-6
    ours = DCMR(config_from(DCMRConfig, TINY)).eval()(visual, audio, query).segment_logits
    assert ours.std() > 1e-2


def test_it_is_never_started_from_a_network_of_localization(tmp_path):
    DMIN(DMINConfig(("Dog",))).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="not the configuration of a DCMR but of a DMIN"):
        DCMR.from_pretrained(tmp_path)


def test_wrong_input_is_refused():
    model, (visual, audio) = tiny(), clips(2, 4)
    query = queries((0, 2), (1, 3), seconds=4)
    with pytest.raises(ModelError, match=r"B and T must be the same"):
        model(visual[:, :3], audio, query)
    with pytest.raises(ModelError, match=r"True at one second of each clip"):
        model(visual, audio, torch.zeros_like(query))
    with pytest.raises(ModelError, match=r"averaged over their regions"):
        model(visual[:, :, None, None], audio, query)
    with pytest.raises(ModelError, match=r"real seconds only"):
        model(visual, audio, query, queries((0, 1), (0, 4), seconds=4))
    with pytest.raises(ModelError, match=r"no longer than the candidates"):
        model.find(audio, visual[:, :3])
    with pytest.raises(ModelError, match=r"direction is 'av': must be 'a2v' or 'v2a'"):
        DCMRConfig("av")


def test_each_part_has_the_dropout_of_its_option():
    model = tiny(encoder={"dropout": 0.25}, inter_modality={"dropout": 0.125})
    parts = ("visual_encoder", "audio_encoder", "visual_cross", "audio_cross")
    rates = [dropouts_of(getattr(model, name)) for name in parts]
    assert rates == [{0.25}, {0.25}, {0.125}, {0.125}]
