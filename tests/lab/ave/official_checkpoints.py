"""Weights and inputs of the authors' released networks, drawn again from a seed, and what their code answers."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).parent / "official"
SEED = 13
KINDS = {"full": "dmin-full", "weak": "dmin-weak", "a2v": "dcmr-a2v", "v2a": "dcmr-v2a"}
_seeded = runpy.run_path(str(FOLDER / "seeded.py"))


def golden():
    """Answers of the released full network to `seeded_inputs("full", 3)`."""
    return dict(np.load(FOLDER / "dmin-full.npz"))


def seeded_state(network):
    """Released names to arrays."""
    return _seeded["seeded_state"](FOLDER / f"{KINDS[network]}.keys.tsv", SEED)


def seeded_inputs(network, batch):
    """visual, audio and labels."""
    return _seeded["seeded_inputs"](KINDS[network], SEED, batch)


def light_state(network):
    """Released names to tensors of the right shapes that take no room: one number each, seen everywhere."""
    rows = (FOLDER / f"{KINDS[network]}.keys.tsv").read_text().splitlines()
    shapes = {name: map(int, sizes.split("x")) for name, sizes in (row.split("\t") for row in rows)}
    return {name: torch.tensor(0.01).expand(*shape) for name, shape in shapes.items()}
