"""dmin finds audio-visual events in videos: what is both heard and seen, second by second.

```python
from dmin import Localizer

for event in Localizer.from_pretrained()("video.mp4"):
    print(event.start_seconds, event.end_seconds, event.category, event.score)
```
"""

from importlib.metadata import version

from dmin.events import Event, Events
from dmin.inference import Localizer, Matcher
from dmin.match import Match

__version__ = version("dmin")
__all__ = ["Event", "Events", "Localizer", "Match", "Matcher", "__version__"]
