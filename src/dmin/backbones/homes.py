"""Homes of networks that are used by name: repositories of the Hugging Face hub, each at one commit, and folders.

Files of a repository lie in the cache of the hub's client. What is small comes when the card is asked for, the weights
when the network is. Whatever a name meant when a store was made is kept as the card's version, and found again by it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from huggingface_hub import metadata_load

from dmin.backbones.weights import digest_of
from dmin.errors import DminError, ModelError
from dmin.hub import download, is_repository
from dmin.progress import Progress

PREPROCESSING = "1"
"""Changes whenever the features of networks by name do, though their weights are the same."""
_SMALL = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
    "README.md",
)
_CODE = ("*.py",)
_TOKENIZER = ("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model")
_SAFE = ("model.safetensors", "model-*.safetensors", "model.safetensors.index.json")
_PICKLED = ("pytorch_model.bin", "pytorch_model-*.bin", "pytorch_model.bin.index.json")
_TRUST = "DMIN_TRUST_REMOTE_CODE"
"""In the environment, because worker processes must know it, too."""


def trust_remote_code() -> None:
    """Allow networks to run Python code of their own repositories, in this process and its workers."""
    os.environ[_TRUST] = "1"


def is_code_trusted() -> bool:
    """Tell whether `trust_remote_code` was called."""
    return os.environ.get(_TRUST) == "1"


@dataclass(frozen=True)
class Home:
    """Where a network's files lie."""

    name: str
    """The backbone's, without a revision."""
    folder: Path
    """Of its small files and, once they have been fetched, its weights."""
    version: str
    """Of preprocessing and files: a commit of a repository, or a checksum of a folder's files."""
    repository: str | None
    """Its id on the hub; None for a folder."""

    @property
    def source(self) -> str:
        """Address of the page of the repository, or the folder."""
        return str(self.folder) if self.repository is None else f"https://huggingface.co/{self.repository}"

    @property
    def licence(self) -> str | None:
        """The licence that its README states."""
        try:
            data = metadata_load(self.folder / "README.md") or {}
        except (OSError, ValueError):
            return None
        stated = data.get("license_name") if data.get("license") == "other" else data.get("license")
        return str(stated or data.get("license")) if data.get("license") else None

    def fetch(self, progress: Progress) -> None:
        """Download the weights, unless they are there.

        Raises:
            ModelError: They cannot be had.
        """
        if self.repository is None:
            return
        step = f"download {self.name}"
        progress(step, 0, None)
        for files in (_SAFE, _PICKLED):
            self._download(files)
            if any(self.folder.glob(files[0])) or any(self.folder.glob(files[1])):
                progress(step, 1, 1)
                return
        raise ModelError(f"{self.name} has no weights that are known here ({_SAFE[0]} or {_PICKLED[0]}): give another")

    def fetch_tokenizer(self) -> None:
        """Download what splits texts for the network, unless it is there.

        Raises:
            ModelError: It cannot be had.
        """
        if self.repository is not None:
            self._download(_TOKENIZER)

    def _download(self, files: tuple[str, ...]) -> None:
        download(str(self.repository), files, f"{self.name} is wanted, and", revision=commit_of(self.version))


def commit_of(version: str | None) -> str | None:
    """The commit that a version of a card stands for."""
    return None if version is None else version.partition("-")[2]


def home_of(scheme: str, place: str, version: str | None = None) -> Home:
    """Find a network's files.

    Args:
        scheme: What stands before a place in the backbone's name, as ``hf:``.
        place: A folder, or a repository of the hub, owner/name or owner/name@revision.
        version: The version of a card that is wanted again.

    Raises:
        ModelError: Neither is there.
    """
    folder = Path(place).expanduser()
    if folder.is_dir():
        folder = folder.resolve()
        return Home(f"{scheme}{folder}", folder, f"{PREPROCESSING}-{_digest(folder)}", None)
    repository, _, revision = place.partition("@")
    if not is_repository(repository):
        raise ModelError(
            f"{scheme}{place}: there is no such folder here, and {place!r} is no repository of the Hugging Face hub: "
            f"give {scheme}FOLDER or {scheme}OWNER/NAME, which may end in @REVISION"
        )
    return _on_the_hub(scheme, repository, commit_of(version) or revision or None, is_code_trusted())


@cache
def _on_the_hub(scheme: str, repository: str, revision: str | None, code: bool) -> Home:
    name = f"{scheme}{repository}"
    folder = download(repository, _SMALL + _CODE * code, f"{name} is no folder here, and", revision=revision)
    return Home(name, folder, f"{PREPROCESSING}-{folder.name}", repository)


def _digest(folder: Path) -> str:
    """A checksum of all that features depend on in a folder."""
    found = sha256()
    for pattern in sorted({*_SMALL, *_CODE, *_SAFE, *_PICKLED, "*.pth"} - {"README.md"}):
        for path in sorted(folder.glob(pattern)):
            state = path.stat()
            found.update(path.name.encode() + _digest_of(path, state.st_size, state.st_mtime_ns).encode())
    return found.hexdigest()[:16]


@cache
def _digest_of(path: Path, size: int, changed_ns: int) -> str:
    return digest_of(path, "sha256")


@contextmanager
def reading(home: Home) -> Iterator[None]:
    """Make a sentence of the errors of the libraries that read a network.

    Raises:
        ModelError: It cannot be read.
    """
    try:
        yield
    except DminError as error:
        raise ModelError(f"{home.name}: {error}") from error
    # Either library has many errors without a common base.
    except Exception as error:
        if "trust_remote_code" in str(error):
            raise ModelError(
                f"{home.name} would run Python code of its own: read it at {home.source}, then allow it by "
                "--trust-remote-code, or choose another network"
            ) from error
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{home.name} cannot be used ({type(error).__name__}: {reason}): check {home.folder}, or give another "
            "network"
        ) from error
