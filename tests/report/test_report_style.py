from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from dmin.errors import DminError
from dmin.report import style

# Linear RGB as people without red or without green receptors see it (Machado, Oliveira and Fernandes 2009, severity 1).
BLINDNESS = {
    "none": np.eye(3),
    "red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "green": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]),
}


def lab(colour: str, kind: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(
        BLINDNESS[kind] @ linear, 0, 1
    )
    f = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", BLINDNESS)
def test_the_first_categories_differ_for_colour_blind_people_too(kind: str) -> None:
    names = [str(i) for i in range(12)]
    seen = np.array([lab(style.category_colour(name, names), kind) for name in names])
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=-1)[np.triu_indices(12, 1)]
    assert distances.min() > 13  # about 2 can just be told apart, side by side


def test_a_colour_depends_on_the_place_among_the_models_categories_alone() -> None:
    few, many = ["Dog", "Cat"], ["Dog", "Cat", *(f"more {i}" for i in range(40))]
    assert style.category_colour("Cat", few) == style.category_colour("Cat", many) == "#d55e00"
    assert len({style.category_colour(name, many) for name in many[:36]}) == 36


def test_an_unknown_category_has_a_colour_by_its_name() -> None:
    assert style.category_colour("Zebra") == style.category_colour("Zebra", ["Dog"]) == style.category_colour("Zebra")
    assert len({style.category_colour(name) for name in "abcdefghijkl"}) > 4


@given(st.text(st.characters(), max_size=200), st.integers(4, 60))
def test_shortened_names_fit_and_can_be_drawn(name: str, characters: int) -> None:
    assert len(style.shorten(name, characters)) <= characters
    lines = style.wrap(name, characters).split("\n")
    assert "".join([style.shorten(name, characters), *lines]).encode()  # as matplotlib does
    assert len(lines) <= 2
    assert all(len(line) <= max(characters, len("(no name)")) for line in lines)


@pytest.mark.parametrize(
    ("seconds", "longest", "words"),
    [(0.5, 1, "0.5 s"), (120, 120, "120 s"), (59, 121, "0:59"), (3599, 3599, "59:59"), (3661, 3700, "1:01:01")],
)
def test_times(seconds: float, longest: float, words: str) -> None:
    assert style.clock(seconds, longest) == words


def test_type_on_every_category_colour_is_readable() -> None:
    names = [str(i) for i in range(36)]
    for name in names:
        colour = style.category_colour(name, names)
        assert style._contrast(style.ink_on(colour), colour) >= 4.5  # WCAG AA


def test_save_chooses_the_format_by_the_ending(tmp_path: Path) -> None:
    figure = Figure()
    assert style.save(figure, tmp_path / "new" / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in style.save(figure, tmp_path / "a.svg").read_bytes()
    with pytest.raises(DminError, match="unknown picture format 'pngg': did you mean 'png'"):
        style.save(figure, tmp_path / "a.pngg")
    assert sorted(p.name for p in tmp_path.rglob("*.*")) == ["a.png", "a.svg"]
