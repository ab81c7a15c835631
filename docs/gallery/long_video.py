# %% [markdown]
# # A long video, as it is decided
#
# `stream` gives the seconds that no later window can change, and the events that ended in them. Memory holds one window,
# however long the video is.

# %%
import tempfile
from pathlib import Path

import av

from dmin import Localizer
from dmin.lab.compose.demo import run_demo

out = Path(tempfile.gettempdir()) / "dmin-gallery"
run_demo(out, clips=80, epochs=20)
clips = sorted((out / "clips" / "videos").glob("*.mp4"))[:6]

# %% [markdown]
# Six clips, one after the other, make a minute.

# %%
(out / "list.txt").write_text("".join(f"file '{clip}'\n" for clip in clips))
with (
    av.open(str(out / "list.txt"), format="concat", options={"safe": "0"}) as source,
    av.open(str(out / "long.mkv"), "w") as target,
):
    copies = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
    for packet in source.demux():
        if packet.dts is not None:
            packet.stream = copies[packet.stream.index]
            target.mux(packet)

# %%
localizer = Localizer.from_pretrained(out / "run")
for part in localizer.stream(out / "long.mkv"):
    print(f"decided up to {part.seconds[-1].start_seconds + 1:.0f} s:", [e.category for e in part.events])

# %% [markdown]
# All parts together are what a call answers:

# %%
localizer(out / "long.mkv")
