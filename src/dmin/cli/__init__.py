"""The command line: thin callers of the public API, one file per command.

Results go to stdout or files, everything else to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `dmin`; ends the process with status 0 only if all of it worked."""
    try:
        from dmin.cli.commands import run  # here, so that Ctrl-C while modules are imported is caught, too

        status = run(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("dmin: stopped before anything was done\n")
        status = 130
    sys.exit(status)
