"""Finds weights and checks that they are the right ones.

The audio backbone's weights lie in the wheel `aisfx` 0.1.2. dmin cannot simply depend on it: the wheel pins numpy 1.23
and librosa 0.9, so that `pip install dmin` would find no solution on any Python that dmin runs on, for the sake of
packages that reading one file does not need. A clone gets the wheel through uv, which is told to ignore its pins
(pyproject.toml). Everywhere else the wheel is fetched at first use by the installer that is there, without its
dependencies, from whatever package index that installer is set up for; only the checkpoint is kept.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from zipfile import is_zipfile

import torch
from torch import Tensor

from dmin.errors import ModelError

AISFX = "aisfx==0.1.2"
_AISFX_FILE = "aisfx/models/checkpoint.pth"
_AISFX_SHA256 = "499ea75909c932a2f94c35fa722fa4fabc5bcb7e84917209cc5f7402627b7eb5"


def digest_of(path: Path, algorithm: str) -> str:
    """A file's checksum, hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


@cache
def check_digest(path: Path, algorithm: str, expected: str) -> None:
    """Make sure that a file is the one whose features we know.

    Raises:
        ModelError: It is missing or another one.
    """
    try:
        found = digest_of(path, algorithm)
    except OSError as error:
        raise ModelError(f"cannot read the weights {path}: {error.strerror}") from error
    if found != expected:
        raise ModelError(
            f"{path} is not the expected file ({algorithm} {found}, expected {expected}): delete it, try again"
        )


def check_sha256(path: Path, expected: str) -> None:
    """`check_digest` by sha256."""
    check_digest(path, "sha256", expected)


def state_dict_of(path: Path) -> dict[str, Tensor]:
    """Names and tensors of a file that ``torch.save`` wrote, without running any code from its pickle.

    Tensors are mapped into memory, so that several processes share them, unless the file is of the layout before torch
    1.6, which cannot be mapped.

    Raises:
        ModelError: It is not such a file.
    """
    try:
        return dict(torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path)))
    except (OSError, EOFError, RuntimeError, TypeError, ValueError, UnpicklingError) as error:
        raise ModelError(f"{path} does not hold a network's weights ({type(error).__name__})") from error


def cache_folder() -> Path:
    """Folder of downloaded weights: $DMIN_CACHE, or the user's cache folder."""
    if folder := os.environ.get("DMIN_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dmin"


def aisfx_checkpoint(run: Callable[[Sequence[str]], int] | None = None) -> Path:
    """Path of aisfx's checkpoint: from the installed package, from the cache, or fetched now.

    Args:
        run: Runs a command and gives its exit status; for tests.

    Raises:
        ModelError: It cannot be had; the message says how to get it by hand.
    """
    try:
        path = Path(str(distribution("aisfx").locate_file(_AISFX_FILE)))
    except PackageNotFoundError:
        path = cache_folder() / "aisfx-0.1.2.pth"
        if not path.is_file():
            _fetch(path, run or _run)
    check_sha256(path, _AISFX_SHA256)
    return path


def _fetch(path: Path, run: Callable[[Sequence[str]], int]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            fetched = Path(folder) / _AISFX_FILE
            for installer in _installers():
                status = run([*installer, "install", "--quiet", "--no-deps", "--target", folder, AISFX])
                if status == 0 and fetched.is_file():
                    # Moved within one file system, so that no half file can ever stand at its place.
                    fetched.replace(path)
                    return
    except OSError as error:
        raise ModelError(
            f"the weights of the audio backbone sfx could not be kept as {path} ({error.strerror}): "
            "set DMIN_CACHE to a folder that can be written"
        ) from error
    raise ModelError(
        f"the weights of the audio backbone sfx could not be fetched: run `pip install --no-deps {AISFX}` "
        "where there is a network"
    )


def _installers() -> list[list[str]]:
    found = [[sys.executable, "-m", "pip"]] if find_spec("pip") else []
    return [*found, ["uv", "pip"]] if shutil.which("uv") else found


def _run(command: Sequence[str]) -> int:
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
