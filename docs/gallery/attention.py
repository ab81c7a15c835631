# %% [markdown]
# # Where the network looks
#
# The spatial attention of an answer is [T, H, W]: each second's weights over the regions of the picture, which sum to 1.

# %%
import tempfile
from pathlib import Path

from dmin import Localizer
from dmin.lab.compose.demo import run_demo

out = Path(tempfile.gettempdir()) / "dmin-gallery"
demo = run_demo(out, clips=80, epochs=20)
localizer = Localizer.from_pretrained(out / "run")
events = localizer(demo.events.video)
events.attention.shape

# %% [markdown]
# More comes out of each window while the work goes on: `on_window` is told the features that the network saw, and its
# whole output.


# %%
def told(window, output):
    names = [name for name, value in vars(output.attention).items() if value is not None]
    print(f"window from {window.start} s, {len(window)} s long; attention: {', '.join(names)}")
    for name in names:
        print(f"  {name}: {tuple(getattr(output.attention, name).shape)}")


_ = localizer(demo.events.video, on_window=told)

# %% [markdown]
# One second's weights, drawn by matplotlib:

# %%
import matplotlib.pyplot as plt

second = max(range(len(events.seconds)), key=lambda t: events.seconds[t].relevance)
figure, axes = plt.subplots(figsize=(3, 3))
axes.imshow(events.attention[second], cmap="magma")
axes.set_title(f"second {second}: {events.seconds[second].category}")
_ = axes.axis("off")
