"""Flags that several commands share."""

from __future__ import annotations

from jsonargparse import ArgumentParser


def add_device(parser: ArgumentParser) -> None:
    """Declare ``--device``; `dmin.cli.main` checks it before the command runs."""
    parser.add_argument(
        "--device",
        type=str,
        default="auto",
        help="where to run: auto (a GPU where there is one), cpu, cuda, cuda:1, mps",
    )
