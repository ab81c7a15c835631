"""Plain surfaces: what stands behind a drawn shape or a cut-out, and what a clip shows where it shows nothing."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    """Colour from hue, saturation and value, each in 0..1 (the hue wraps around).

    Example:
        >>> colour(1 / 3, 1.0, 1.0)
        (0, 255, 0)
    """
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def surface(width: int, height: int, generator: np.random.Generator) -> Pixels:
    """Draw a soft surface [H, W, 3]: a gradient between two related colours, uneven and slightly grainy."""
    hue = generator.random()
    saturation, value = generator.uniform(0.05, 0.6), generator.uniform(0.25, 0.95)
    ends = [
        colour(hue + generator.uniform(-0.08, 0.08), saturation, min(1.0, value * scale))
        for scale in (generator.uniform(0.55, 1.0), generator.uniform(0.9, 1.25))
    ]
    angle = generator.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    slope = np.cos(angle) * (columns / width - 0.5) + np.sin(angle) * (rows / height - 0.5) + 0.5
    slope += clouds(width, height, generator) * generator.uniform(0.1, 0.6)
    slope = np.clip(slope, 0, 1)[..., None]  # [H, W, 1]
    pixels = slope * np.array(ends[0], np.float32) + (1 - slope) * np.array(ends[1], np.float32)
    pixels += generator.standard_normal((height, width, 1), dtype=np.float32) * generator.uniform(0, 5)
    return np.asarray(np.clip(pixels, 0, 255), dtype=np.uint8)


def clouds(width: int, height: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Smooth random unevenness [H, W], about -0.5..0.5."""
    total = np.zeros((height, width), np.float32)
    for cells, weight in ((3, 0.5), (7, 0.3), (15, 0.2)):
        coarse = Image.fromarray(generator.uniform(-0.5, 0.5, (cells, cells)).astype(np.float32))
        total += weight * np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    return total
