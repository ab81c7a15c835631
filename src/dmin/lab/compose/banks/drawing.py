"""Drawing things: a few shapes each, in random colours and proportions, on a random ground."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from dmin.lab.compose.banks.pen import DARK, Pen, place, ring
from dmin.lab.compose.banks.surfaces import colour, surface

WIDTH, HEIGHT = 480, 360
"""Size of drawn pictures, in pixels."""


def draw(thing: str, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one of `DRAWINGS` on a random ground, pixels [HEIGHT, WIDTH, 3]."""
    ground = Image.fromarray(surface(WIDTH, HEIGHT, generator))
    if generator.random() < 0.6:
        _furnish(ground, generator)
    pen = Pen()
    DRAWINGS[thing](pen, generator)
    place(pen.image, ground, generator.uniform(0.62, 0.88), generator)
    return np.asarray(ground)


def _furnish(ground: Image.Image, generator: np.random.Generator) -> None:
    """Give the ground a floor, hills, or out-of-focus spots."""
    over = Image.new("RGBA", ground.size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(over)
    hue = generator.random()
    kind = generator.integers(3)
    if kind == 0:
        horizon = HEIGHT * generator.uniform(0.55, 0.8)
        pen.rectangle([0, horizon, WIDTH, HEIGHT], fill=(*colour(hue, 0.35, generator.uniform(0.3, 0.8)), 255))
    elif kind == 1:
        for _ in range(3):
            x, y, radius = (
                generator.uniform(0, WIDTH),
                HEIGHT * generator.uniform(0.95, 1.3),
                generator.uniform(120, 240),
            )
            shade = colour(hue + generator.uniform(-0.05, 0.05), 0.45, generator.uniform(0.35, 0.75))
            pen.ellipse([x - 1.5 * radius, y - radius, x + 1.5 * radius, y + radius], fill=(*shade, 255))
    else:
        for _ in range(int(generator.integers(5, 14))):
            x, y, radius = generator.uniform(0, WIDTH), generator.uniform(0, HEIGHT), generator.uniform(8, 45)
            shade = colour(hue + generator.uniform(-0.1, 0.1), 0.4, generator.uniform(0.6, 1))
            pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(*shade, 90))
    over = over.filter(ImageFilter.GaussianBlur(generator.uniform(1, 4)))
    ground.paste(over, (0, 0), over)


def _bell(pen: Pen, generator: np.random.Generator) -> None:
    hue, value = generator.uniform(0.09, 0.15), generator.uniform(0.75, 1.0)
    metal, bright, deep = (colour(hue, 0.75, value), colour(hue, 0.35, 1.0), colour(hue - 0.02, 0.85, value * 0.62))
    flare = generator.uniform(34, 42)
    pen.ellipse(50, 12, 7, 7, deep)
    pen.ellipse(50, 12, 3.5, 3.5, DARK)
    pen.ellipse(50, 86, 8, 8, deep)
    heights = np.linspace(0, 1, 30)
    half = 14 + (flare - 14) * heights ** generator.uniform(1.8, 2.6) + 8 * np.sin(np.pi * heights) * (1 - heights)
    side = [(50 + float(width), 20 + 58 * float(height)) for width, height in zip(half, heights, strict=True)]
    pen.ellipse(50, 24, 15, 10, metal)
    pen.shape(side + [(100 - x, y) for x, y in reversed(side)], metal)
    pen.shape([(34, 28), (42, 28), (35, 74), (22, 74)], bright)
    pen.box(50 - flare - 2, 75, 50 + flare + 2, 83, deep, 4)
    pen.line([(50 - half[18], 56), (50 + half[18], 56)], deep, 2)


def _bird(pen: Pen, generator: np.random.Generator) -> None:
    hue = generator.choice([0.0, 0.08, 0.14, 0.55, 0.6, 0.33]) + generator.uniform(-0.03, 0.03)
    body, wing, belly = colour(hue, 0.75, 0.85), colour(hue, 0.85, 0.55), colour(hue + 0.05, 0.2, 0.97)
    pen.line([(4, 84), (96, 80)], (96, 66, 42), 4)
    for x in (46, 56):
        pen.line([(x, 68), (x + 1, 83)], (190, 110, 40), 1.8)
    pen.shape([(20, 62), (2, 72), (6, 80), (32, 66)], wing)
    pen.ellipse(47, 54, 29, 20, body)
    pen.ellipse(54, 60, 20, 13, belly)
    pen.ellipse(70, 36, 16, 15, body)
    pen.shape([(84, 33), (98, 38), (84, 42)], (240, 160, 40))
    pen.ellipse(75, 33, 3.6, 3.6, (250, 250, 250))
    pen.ellipse(76, 33, 2, 2, DARK)
    lift = generator.uniform(-14, 18)
    pen.shape([(58, 46), (40, 44), (14, 50 + lift), (24, 60 + lift / 2), (46, 64)], wing)
    if generator.random() < 0.4:
        pen.shape([(64, 24), (62, 12), (70, 20), (74, 10), (76, 23)], wing)


def _clock(pen: Pen, generator: np.random.Generator) -> None:
    rim = colour(generator.random(), generator.uniform(0.2, 0.8), generator.uniform(0.3, 0.8))
    face = colour(generator.uniform(0.1, 0.18), generator.uniform(0.0, 0.15), generator.uniform(0.92, 1))
    if generator.random() < 0.5:  # an alarm clock's feet and bells
        for x in (28, 72):
            pen.ellipse(x, 14, 13, 9, rim)
            pen.line([(x, 80), (50 + (x - 50) * 1.35, 95)], rim, 5)
    if generator.random() < 0.25:
        pen.box(10, 10, 90, 90, rim, 8)
    else:
        pen.ellipse(50, 52, 42, 42, rim)
    pen.ellipse(50, 52, 36, 36, face)
    for hour in range(12):
        inner = 28 if hour % 3 == 0 else 31
        pen.line([ring(50, 52, inner, hour / 12), ring(50, 52, 33.5, hour / 12)], DARK, 1.9 if hour % 3 == 0 else 1)
    time = generator.random()
    pen.line([(50, 52), ring(50, 52, 18, time)], DARK, 3.4)
    pen.line([(50, 52), ring(50, 52, 28, time * 12)], DARK, 2.2)
    pen.line([(50, 52), ring(50, 52, 30, generator.random())], (200, 40, 40), 0.9)
    pen.ellipse(50, 52, 2.8, 2.8, DARK)


def _drum(pen: Pen, generator: np.random.Generator) -> None:
    hue = generator.choice([0.0, 0.6, 0.35, 0.85]) + generator.uniform(-0.04, 0.04)
    shell, skin = colour(hue, 0.8, generator.uniform(0.55, 0.85)), colour(0.12, generator.uniform(0.05, 0.2), 0.95)
    rim, tall = colour(0.12, generator.uniform(0.1, 0.7), 0.85), generator.uniform(68, 82)
    pen.ellipse(50, tall, 40, 14, shell)
    pen.box(10, 40, 90, tall, shell)
    pen.ellipse(50, tall, 40, 14, shell)
    for off in np.linspace(-36, 36, 7):
        sag = 13 * float(np.sqrt(1 - (off / 40) ** 2))
        pen.line([(50 + off, 40 + sag), (50 + off * 0.85 + 4, tall + sag - 2)], rim, 1.6)
    pen.ellipse(50, 40, 42, 15.5, rim)
    pen.ellipse(50, 39, 38, 12.5, skin)
    for x, direction in ((40, -1), (60, 1)):
        end = (x + direction * generator.uniform(20, 34), generator.uniform(2, 12))
        pen.line([(x, 36), end], (150, 100, 55), 3)
        pen.ellipse(x, 36, 4, 3.5, (205, 160, 105))


def _car(pen: Pen, generator: np.random.Generator) -> None:
    body = colour(generator.random(), generator.uniform(0.55, 0.9), generator.uniform(0.55, 0.95))
    glass, roof = colour(0.55, 0.25, 0.9), generator.uniform(26, 34)
    pen.shape([(24, 52), (36, roof), (66, roof), (82, 52)], body)
    pen.shape([(30, 51), (39, roof + 5), (50, roof + 5), (50, 51)], glass)
    pen.shape([(53, 51), (53, roof + 5), (64, roof + 5), (75, 51)], glass)
    pen.box(4, 49, 97, 71, body, 7)
    pen.box(4, 63, 97, 70, tuple(channel * 2 // 3 for channel in body), 3)  # type: ignore[arg-type]  # three channels
    pen.ellipse(94, 56, 3, 4, (255, 240, 170))
    pen.ellipse(6, 56, 2.5, 3.5, (200, 40, 40))
    for x in (24, 76):
        pen.ellipse(x, 71, 13, 13, (32, 32, 36))
        pen.ellipse(x, 71, 6.5, 6.5, (185, 188, 195))
        pen.ellipse(x, 71, 2, 2, DARK)
    for puff in range(int(generator.integers(1, 4))):
        pen.ellipse(-1 - puff, 66 - 7 * puff, 5 + puff, 4 + puff, (205, 205, 210))


def _rain(pen: Pen, generator: np.random.Generator) -> None:
    grey = int(generator.integers(120, 220))
    cloud, drop = (grey, grey, min(255, grey + 14)), colour(generator.uniform(0.53, 0.62), 0.65, 0.95)
    slant = generator.uniform(-6, 6)
    for row in range(4):
        for column in range(7):
            x = 12 + 12 * column + 5 * (row % 2) + generator.uniform(-2, 2)
            y = 56 + 11 * row + generator.uniform(-2, 2)
            pen.line([(x, y), (x + slant * 0.5, y + 6)], drop, 2.2)
            pen.ellipse(x + slant * 0.5, y + 6, 1.9, 2.4, drop)
    for x, y, radius in ((24, 38, 17), (42, 26, 20), (64, 28, 19), (80, 40, 15), (50, 40, 20)):
        pen.ellipse(x, y + generator.uniform(-3, 3), radius, radius * 0.85, cloud)
    pen.box(14, 38, 92, 53, cloud, 7)


def _robot(pen: Pen, generator: np.random.Generator) -> None:
    metal = colour(generator.random(), generator.uniform(0.1, 0.4), generator.uniform(0.6, 0.9))
    light = colour(generator.choice([0.0, 0.33, 0.5, 0.15]), 0.8, 1.0)
    pen.line([(50, 20), (50, 6)], DARK, 1.6)
    pen.ellipse(50, 6, 3.5, 3.5, light)
    pen.box(28, 18, 72, 48, metal, 5)
    for x in (40, 60):
        pen.ellipse(x, 30, 6, 6, DARK)
        pen.ellipse(x, 30, 3.8, 3.8, light)
    pen.box(38, 39, 62, 44, DARK, 1)
    for x in range(41, 62, 5):
        pen.line([(x, 39.5), (x, 43.5)], metal, 0.8)
    pen.box(44, 48, 56, 53, DARK)
    pen.box(24, 52, 76, 84, metal, 4)
    pen.box(34, 58, 66, 72, DARK, 2)
    for x, hue in ((40, 0.0), (50, 0.15), (60, 0.35)):
        pen.ellipse(x, 65, 3.2, 3.2, colour(hue, 0.8, 0.95))
    for side in (-1, 1):
        hand = (50 + side * 42, generator.uniform(48, 84))
        pen.line([(50 + side * 26, 58), (50 + side * 38, 66), hand], DARK, 4)
        pen.ellipse(*hand, 5, 5, metal)
        pen.box(50 + side * 14 - 5, 84, 50 + side * 14 + 5, 97, DARK, 2)


def _siren(pen: Pen, generator: np.random.Generator) -> None:
    hue = generator.choice([0.0, 0.61, 0.08]) + generator.uniform(-0.02, 0.02)
    lamp, glow, deep = colour(hue, 0.85, 0.95), colour(hue, 0.3, 1.0), colour(hue, 0.9, 0.6)
    for ray in np.arange(-0.25, 0.26, 0.5 / int(generator.integers(4, 8))):
        pen.line([ring(50, 52, 38, ray), ring(50, 52, 48, ray)], glow, 3.2)
    pen.ellipse(50, 50, 27, 30, lamp)
    pen.box(23, 50, 77, 78, lamp)
    pen.ellipse(50, 58, 13, 17, deep)
    pen.ellipse(50, 56, 8, 11, glow)
    pen.box(30, 40, 35, 74, glow, 2)
    base = int(generator.integers(50, 130))
    pen.box(15, 76, 85, 92, (base, base, base + 10), 4)
    pen.box(10, 87, 90, 96, (base // 2, base // 2, base // 2 + 6), 3)


def _flower(pen: Pen, generator: np.random.Generator) -> None:
    petal, count = colour(generator.uniform(0.75, 1.15), 0.6, 0.95), int(generator.integers(5, 10))
    pen.line([(50, 45), (52, 98)], (60, 130, 60), 3)
    pen.ellipse(64, 78, 12, 5, (70, 150, 70))
    for number in range(count):
        pen.ellipse(*ring(50, 38, 20, number / count), 12, 12, petal)
    pen.ellipse(50, 38, 12, 12, colour(0.13, 0.8, 0.9))


def _house(pen: Pen, generator: np.random.Generator) -> None:
    wall, roof = colour(generator.random(), 0.3, 0.9), colour(generator.uniform(0, 0.1), 0.7, 0.6)
    pen.box(16, 46, 84, 94, wall)
    pen.shape([(8, 48), (50, 10), (92, 48)], roof)
    pen.box(42, 66, 58, 94, (110, 70, 45))
    for x in (28, 72):
        pen.box(x - 7, 56, x + 7, 70, colour(0.15, 0.4, 1.0))


def _tree(pen: Pen, generator: np.random.Generator) -> None:
    leaf = colour(generator.uniform(0.2, 0.42), 0.65, generator.uniform(0.4, 0.75))
    pen.box(45, 58, 55, 97, (105, 72, 45))
    for _ in range(9):
        pen.ellipse(50 + generator.uniform(-22, 22), 36 + generator.uniform(-18, 18), 15, 14, leaf)


def _fish(pen: Pen, generator: np.random.Generator) -> None:
    skin, fin = colour(generator.random(), 0.7, 0.9), colour(generator.random(), 0.7, 0.7)
    pen.shape([(72, 50), (97, 30), (90, 50), (97, 70)], fin)
    pen.shape([(40, 32), (62, 16), (64, 36)], fin)
    pen.ellipse(44, 50, 36, 22, skin)
    for x in (36, 48, 60):
        pen.line([(x, 40), (x + 4, 50), (x, 60)], fin, 1.5)
    pen.ellipse(22, 45, 4, 4, (255, 255, 255))
    pen.ellipse(21, 45, 2, 2, DARK)


def _balloon(pen: Pen, generator: np.random.Generator) -> None:
    for x, y in ((34, 34), (66, 30), (50, 46))[: int(generator.integers(1, 4))]:
        skin = colour(generator.random(), 0.75, 0.95)
        pen.line([(x, y + 24), (50, 98)], DARK, 0.7)
        pen.ellipse(x, y, 19, 24, skin)
        pen.ellipse(x - 7, y - 9, 4, 6, (255, 255, 255))


def _cup(pen: Pen, generator: np.random.Generator) -> None:
    china = colour(generator.random(), generator.uniform(0.1, 0.6), 0.95)
    pen.ellipse(74, 54, 14, 14, china)
    pen.ellipse(74, 54, 8, 8, DARK)
    pen.shape([(18, 34), (74, 34), (66, 84), (26, 84)], china)
    pen.ellipse(46, 34, 28, 7, (92, 58, 36))
    pen.ellipse(46, 90, 34, 5, china)


def _fruit(pen: Pen, generator: np.random.Generator) -> None:
    peel = colour(generator.choice([0.0, 0.09, 0.16, 0.28]), 0.8, 0.85)
    pen.ellipse(38, 58, 24, 26, peel)
    pen.ellipse(62, 58, 24, 26, peel)
    pen.line([(50, 36), (54, 18)], (95, 65, 40), 3)
    pen.ellipse(66, 24, 12, 5, (80, 150, 70))


DRAWINGS: dict[str, Callable[[Pen, np.random.Generator], None]] = {
    "Bell": _bell,
    "Bird": _bird,
    "Clock": _clock,
    "Drum": _drum,
    "Car": _car,
    "Rain": _rain,
    "Robot": _robot,
    "Siren": _siren,
    "Flower": _flower,
    "House": _house,
    "Tree": _tree,
    "Fish": _fish,
    "Balloon": _balloon,
    "Cup": _cup,
    "Fruit": _fruit,
}
"""Each thing's name and how to draw it."""
