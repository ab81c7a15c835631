"""dmin finds audio-visual events in videos: what is both heard and seen, second by second.

```python
from dmin import Localizer

for event in Localizer.from_pretrained()("video.mp4"):
    print(event.start_seconds, event.end_seconds, event.category, event.score)
```
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dmin.inference import Localizer, Matcher
    from dmin.results.events import Event, Events
    from dmin.results.match import Match

_HOMES = {
    "Event": "dmin.results.events",
    "Events": "dmin.results.events",
    "Localizer": "dmin.inference",
    "Match": "dmin.results.match",
    "Matcher": "dmin.inference",
}
"""Modules of the public names. They are imported at first use: torch takes seconds."""

__version__ = version("dmin")
__all__ = ["Event", "Events", "Localizer", "Match", "Matcher", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dmin' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
