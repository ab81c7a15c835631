"""What every composed picture must fulfil."""

from __future__ import annotations

import itertools

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

LONG = ("Female speech, woman speaking", "Fixed-wing aircraft, airplane", "Race car, auto racing", "$\\frac{a$ & <b>")
"""Names that are long or hard to draw."""


def check_texts(figure: Figure) -> None:
    """All type has 8 points or more, lies inside of the picture, and overlaps no other."""
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    shown = [(text.get_text(), text.get_window_extent()) for text in texts]
    for text, (name, box) in zip(texts, shown, strict=True):
        assert text.get_fontsize() >= 8, name
        assert box.x0 >= 0, name
        assert box.x1 <= width, name
        assert box.y0 >= 0, name
        assert box.y1 <= height, name
    for (one, box), (other, another) in itertools.combinations(shown, 2):
        assert box.width == 0 or not box.padded(-1.5).overlaps(another.padded(-1.5)), (one, other)


def footage(seconds: int, height: int = 36, width: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Grey frames [T, H, W, 3], brighter from second to second, and a tone [T, S] that grows louder."""
    frames = np.stack([np.full((height, width, 3), 20 + 20 * t, np.uint8) for t in range(seconds)])
    tone = np.sin(2 * np.pi * 500 * np.arange(4000) / 4000)
    return frames, np.stack([tone * (t + 1) / seconds for t in range(seconds)]).astype(np.float32)
