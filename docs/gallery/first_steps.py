# %% [markdown]
# # First steps
#
# Make videos whose truth is known, train a network on them, and find the events of one that it has never met. All of it
# runs in a few minutes on two cores; what is there already is used again.

# %%
import tempfile
from pathlib import Path

from dmin import Localizer
from dmin.lab.compose.demo import run_demo

out = Path(tempfile.gettempdir()) / "dmin-gallery"
demo = run_demo(out, clips=80, epochs=20)
print(demo.metrics.segment_accuracy)

# %% [markdown]
# `run_demo` does what five commands do: `dmin compose`, `dmin extract`, `dmin train`, `dmin evaluate` and `dmin localize`.
# The run folder is a model like any other.

# %%
localizer = Localizer.from_pretrained(out / "run")
print(localizer.about)

# %% [markdown]
# An answer shows itself as its relevance in every second, its events as bars, and a table.

# %%
video = demo.events.video
events = localizer(video)
events

# %%
for event in events:
    print(f"{event.start_seconds:.0f} to {event.end_seconds:.0f} s: {event.category}, score {event.score:.2f}")

# %% [markdown]
# Another threshold decides again, and computes nothing again.

# %%
for threshold in (0.1, 0.5, 0.999):
    print(threshold, events.above(threshold).summary())

# %% [markdown]
# The picture has what the network saw and heard.

# %%
from IPython.display import Image

events.plot(out / "clip.png")
Image(out / "clip.png")
