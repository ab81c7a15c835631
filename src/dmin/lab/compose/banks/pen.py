"""Cut-outs: a pen that draws them, and pasting them onto a ground."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

_LAYER = 560  # a thing is drawn this large and then reduced, which smooths its edges

Colour = tuple[int, int, int]
Point = tuple[float, float]
DARK: Colour = (38, 34, 40)


class Pen:
    """Draws on a transparent square whose sides are 100 units long."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (_LAYER, _LAYER), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)
        self._scale = _LAYER / 100

    def ellipse(self, x: float, y: float, across: float, down: float, fill: Colour, line: float = 0) -> None:
        """Ellipse around (x, y) with half axes ``across`` and ``down``; ``line``: width of a dark outline."""
        box = [self._scale * value for value in (x - across, y - down, x + across, y + down)]
        self._draw.ellipse(box, fill=fill, outline=DARK if line else None, width=round(line * self._scale))

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour, round_by: float = 0) -> None:
        """Rectangle with rounded corners."""
        corners = [self._scale * value for value in (left, top, right, bottom)]
        self._draw.rounded_rectangle(corners, round_by * self._scale, fill=fill)

    def shape(self, points: Sequence[Point], fill: Colour) -> None:
        """Polygon."""
        self._draw.polygon([(x * self._scale, y * self._scale) for x, y in points], fill=fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """Thick line through points, with round ends."""
        scaled = [(x * self._scale, y * self._scale) for x, y in points]
        self._draw.line(scaled, fill=fill, width=max(1, round(width * self._scale)), joint="curve")
        for x, y in (points[0], points[-1]):
            self.ellipse(x, y, width / 2, width / 2, fill)


def place(thing: Image.Image, ground: Image.Image, share: float, generator: np.random.Generator) -> None:
    """Paste a cut-out (RGBA) onto the ground, turned a little, with a soft shadow; never over its edges.

    Args:
        thing: The cut-out.
        ground: What it is pasted onto, changed in place.
        share: How much of the ground's height, or width for a wide thing, it fills.
        generator: Chooses turn and place.
    """
    scale = share * min(ground.height / thing.height, ground.width / thing.width)
    size = (max(1, round(thing.width * scale)), max(1, round(thing.height * scale)))
    thing = thing.resize(size, Image.Resampling.LANCZOS)
    thing = thing.rotate(generator.uniform(-10, 10), Image.Resampling.BICUBIC, expand=True)
    room = np.array([ground.width - thing.width, ground.height - thing.height]) / 2
    left, top = (room + np.maximum(room, 0) * generator.uniform(-0.6, 0.6, 2)).astype(int).tolist()
    # A margin around the shadow, or its blur would end in a straight edge.
    margin = 20
    shade = Image.new("L", (thing.width + 2 * margin, thing.height + 2 * margin))
    shade.paste(thing.getchannel("A").point([value * 2 // 5 for value in range(256)]), (margin, margin))
    shade = shade.filter(ImageFilter.GaussianBlur(6))
    ground.paste((15, 15, 25), (left + 7 - margin, top + 9 - margin), shade)
    ground.paste(thing, (left, top), thing)


def ring(x: float, y: float, radius: float, angle: float) -> Point:
    """Point at an angle in turns, clockwise from the top."""
    return x + radius * float(np.sin(2 * np.pi * angle)), y - radius * float(np.cos(2 * np.pi * angle))
