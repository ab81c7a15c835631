import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.data.clips import ClipDataset
from dmin.errors import DataError
from dmin.models import DMIN
from dmin.training.calibrate import calibrate_threshold, threshold_for


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50, unique=True), st.floats(0, 1))
def test_at_most_the_allowed_share_reaches_the_threshold(values, share):
    relevances = np.array(values)
    threshold = threshold_for(relevances, share)
    assert threshold >= 0.5
    assert (relevances > threshold).mean() <= share


def test_clips_without_an_event_are_needed(tiny_store, tiny_run):
    clips = ClipDataset(tiny_store, "val")
    model = DMIN.from_pretrained(tiny_run)
    assert 0.5 <= calibrate_threshold(model, clips, 0.1) < 1.0
    clips.windows = [window for window in clips.windows if window.video_id != "clip19"]
    with pytest.raises(DataError, match="no clip of the validation split is without an event"):
        calibrate_threshold(model, clips, 0.1)
