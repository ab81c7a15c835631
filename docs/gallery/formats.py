# %% [markdown]
# # An answer in other programs
#
# Events go to subtitles, annotation tools and tables; [all formats](../formats.md) are `dmin list formats`.

# %%
import tempfile
from pathlib import Path

from dmin import Events, Localizer
from dmin.lab.compose.demo import run_demo

out = Path(tempfile.gettempdir()) / "dmin-gallery"
demo = run_demo(out, clips=80, epochs=20)
events = Localizer.from_pretrained(out / "run")(demo.events.video)

# %% [markdown]
# Subtitles, which any player shows beside the video of the same name:

# %%
print(events.save(out / "clip.vtt"))

# %% [markdown]
# A label track of Audacity:

# %%
print(events.save(out / "clip.txt", "audacity"))

# %% [markdown]
# A table for pandas:

# %%
events.to_dataframe()

# %% [markdown]
# The JSON file has everything, and comes back as it was.

# %%
events.save(out / "clip.json")
Events.from_json(out / "clip.json") == events
