"""The command line: thin callers of the public API, one file a command.

Results go to stdout or files, everything else to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dmin.cli.main import run

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `dmin`; ends the process with status 0 only if all of it worked."""
    sys.exit(run(arguments))
