"""Runs a model that `dmin export` wrote on the features of one clip, with ONNX Runtime and without torch or dmin.

    pip install numpy onnxruntime safetensors
    python onnx_inference.py mine.onnx store/features/clip.safetensors

Prints a line per second: where it starts, the relevance, the category and, from the model's threshold on, "event". The
features are a file of a store that `dmin extract` made with the backbones that the model names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from safetensors.numpy import load_file


def window_starts(seconds: int, length: int) -> list[int]:
    """First seconds of half overlapping windows of the trained length, the last one at the end."""
    last = max(0, seconds - length)
    return [*range(0, last, max(1, length // 2)), last]


def answer(
    session: onnxruntime.InferenceSession, visual: NDArray[np.float32], audio: NDArray[np.float32], length: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Relevance [T] and category scores [T, C] of maps [T, H, W, D_v] and audio [T, D_a]; windows are averaged."""
    rows: list[list[NDArray[np.float32]]] = [[] for _ in visual]
    for start in window_starts(len(visual), length):
        stop = start + length
        relevance, categories = session.run(
            ["relevance", "categories"], {"visual": visual[None, start:stop], "audio": audio[None, start:stop]}
        )
        for second, row in enumerate(np.concatenate([relevance[0][:, None], categories[0]], 1), start):
            rows[second].append(row)
    table = np.array([np.mean(row, 0, dtype=np.float64) for row in rows])
    return table[:, 0], table[:, 1:]


def main(model: Path, features: Path) -> None:
    """Print the seconds of a clip."""
    session = onnxruntime.InferenceSession(model)
    facts = session.get_modelmeta().custom_metadata_map
    names, threshold = json.loads(facts["categories"]), float(facts["threshold"])
    clip = {name: tensor.astype(np.float32) for name, tensor in load_file(features).items()}
    relevance, categories = answer(session, clip["visual"], clip["audio"], int(facts["window_seconds"]))
    for second, (value, scores) in enumerate(zip(relevance, categories, strict=True)):
        event = "event" if value >= threshold else ""
        print(f"{second:5d} s  {value:.3f}  {names[scores.argmax()]}  {event}".rstrip())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python onnx_inference.py MODEL.onnx CLIP.safetensors")
    main(*map(Path, sys.argv[1:]))
