"""Settings of the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dmin.checks import check_sizes
from dmin.errors import DminError


@dataclass(frozen=True)
class ServeSettings:
    """Limits of the page, and where it is served."""

    models: Path | None = None
    """A folder of `dmin train` or a folder of such folders: their models can be chosen beside the starter"""
    host: str = "127.0.0.1"
    """Address to listen on: 127.0.0.1 is this machine alone, 0.0.0.0 all that can reach it"""
    port: int = 7860
    """Port to listen on; 0 takes a free one"""
    device: str = "auto"
    """Where to run: auto (a GPU where there is one), cpu, cuda, cuda:1, mps"""
    at_once: int = 1
    """Videos that are worked on at once; on a CPU, one uses all cores"""
    max_waiting: int = 20
    """Visitors that may wait for their turn; the next one is told to come back later"""
    max_minutes: float = 30.0
    """Longest video that is taken"""
    max_megabytes: float = 500.0
    """Largest file that is taken"""
    keep_hours: float = 6.0
    """Uploads and answers are deleted after this time"""
    folder: Path | None = None
    """Folder of uploads and answers; default: a temporary one, deleted at the end"""

    def __post_init__(self) -> None:
        check_sizes(self, "at_once", "max_waiting", "max_megabytes", error=DminError)
        for name in ("max_minutes", "keep_hours"):
            if getattr(self, name) <= 0:
                raise DminError(f"{name} is {getattr(self, name):g}: must be above 0")
        if not 0 <= self.port < 65536:
            raise DminError(f"port is {self.port}: must be from 0 to 65535")

    @property
    def keep_seconds(self) -> int:
        """The same in whole seconds."""
        return max(1, round(3600 * self.keep_hours))
