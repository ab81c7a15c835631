"""Maps of image networks by name: the last features, whatever their layout, as [N, h, w, D]."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd, isqrt
from typing import Any

from torch import Tensor

from dmin.errors import ModelError


def grid_of(patches: int, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of patches of a picture, in its proportions.

    Raises:
        ModelError: So many patches fill no such grid.

    Example:
        >>> grid_of(100, 160, 160), grid_of(12, 96, 128)
        ((10, 10), (3, 4))
    """
    rows, columns = height // gcd(height, width), width // gcd(height, width)
    times = isqrt(max(patches, 0) // (rows * columns))
    if times < 1 or rows * columns * times * times != patches:
        raise ModelError(
            f"{patches} patches fill no grid of a picture of {height} x {width}: give a network with maps or patches"
        )
    return rows * times, columns * times


def without_prefix(tokens: Tensor, prefix: int, height: int, width: int) -> Tensor:
    """Patch tokens as maps: [N, prefix + h w, D] of a picture of ``height`` x ``width`` -> [N, h, w, D]."""
    rows, columns = grid_of(tokens.shape[1] - prefix, height, width)
    return tokens[:, prefix:].reshape(tokens.shape[0], rows, columns, -1)


def scaling(mean: Iterable[float], deviation: Iterable[float]) -> str:
    """Words for what is done to the values of pixels.

    Example:
        >>> scaling([0.5, 0.5, 0.5], [0.25, 0.25, 0.25])
        '(x / 255 - (0.5, 0.5, 0.5)) / (0.25, 0.25, 0.25)'
    """
    first, second = (", ".join(f"{number:g}" for number in numbers) for numbers in (mean, deviation))
    return f"(x / 255 - ({first})) / ({second})"


def timm_maps(network: Any, pictures: Tensor) -> Tensor:
    """Maps [N, h, w, D] of prepared pictures [N, 3, height, width] by a network of timm.

    Raises:
        ModelError: It gives none.
    """
    features = network.forward_features(pictures)
    if not isinstance(features, Tensor):
        raise ModelError("its features come in several parts: give a network with one map")
    if features.ndim == 3:  # [N, tokens, D]
        return without_prefix(features, getattr(network, "num_prefix_tokens", 0), *pictures.shape[-2:])
    if features.ndim != 4:
        raise ModelError(f"its features are {list(features.shape)}: give a network with maps or patches")
    channels = network.num_features
    last = features.shape[-1] == channels and features.shape[1] != channels
    last = last or getattr(network, "output_fmt", "NCHW") == "NHWC"
    return features if last else features.permute(0, 2, 3, 1)
