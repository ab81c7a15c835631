"""The command line: thin callers of the public API. One file a command; results to stdout or files, the rest to stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dmin.cli.main import run

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `dmin`; ends the process with status 0 only if all of it worked."""
    sys.exit(run(arguments))
