"""The Hugging Face hub: repositories fetched into its client's cache, and the client's errors as sentences."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from logging import ERROR
from pathlib import Path
from typing import Any

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import logging
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from dmin.errors import DminError, ModelError


def is_repository(name: str) -> bool:
    """Tell whether a name has the form of a repository id.

    Example:
        >>> is_repository("owner/name"), is_repository("name"), is_repository("../name")
        (True, False, False)
    """
    return re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name) is not None


def download(name: str, files: Iterable[str], so_far: str | None = None, **options: Any) -> Path:
    """Fetch some files of a repository that holds a model; those in the cache are not fetched again.

    Args:
        name: Its id, owner/name.
        files: Names of files, or patterns; those that it lacks are left out.
        so_far: Beginning of the sentence of an error; by default that the name is no folder here.
        options: Of the hub's client: revision, token, cache_dir, local_files_only, force_download.

    Returns:
        Their folder in the cache.

    Raises:
        ModelError: The hub has no such repository or revision, does not give it, or cannot be reached.
    """
    with using_hub(so_far or f"{name!r} is no folder here, and", options.get("revision")):
        return Path(snapshot_download(name, allow_patterns=list(files), **options))


@contextmanager
def using_hub(
    so_far: str, revision: str | None = None, kind: type[DminError] = ModelError, *, bars: bool = False
) -> Iterator[None]:
    """Make the hub's client print nothing, and sentences of its errors.

    Args:
        so_far: Beginning of the sentence.
        revision: Branch, tag or commit that is asked for.
        kind: The error to raise.
        bars: Leave the client its progress bars.

    Raises:
        ModelError: The hub does not do what it is asked for. Or another error, see ``kind``.
    """
    had_bars, verbosity = not are_progress_bars_disabled(), logging.get_verbosity()
    if not bars:
        disable_progress_bars()
    logging.set_verbosity(ERROR)
    try:
        yield
    except DminError:
        raise
    # The client and the network below it have dozens of errors without a common base.
    except Exception as error:
        raise kind(f"{so_far} {disk_error(error) or _reason(error, revision)}") from error
    finally:
        logging.set_verbosity(verbosity)
        if had_bars:
            enable_progress_bars()


def _reason(error: Exception, revision: str | None) -> str:
    status = _status(error)
    if isinstance(error, RevisionNotFoundError):
        return f"the hub has no revision {revision!r} of it: give one of its branches or tags, or a commit"
    if isinstance(error, GatedRepoError):
        return "the hub gives it only to those who have asked for it: ask on its page, then run `hf auth login`"
    if isinstance(error, RepositoryNotFoundError):
        return (
            "the hub has no such repository, or does not show it to you: check the name, or run `hf auth login` if it "
            "is private"
        )
    if status == 401:
        return "the hub does not accept your token: run `hf auth login`, or mend HF_TOKEN"
    if status == 403:
        return (
            "the hub does not permit it to your account or token: run `hf auth login` with one that may, or give "
            "another name"
        )
    if status is not None and (status >= 500 or status == 429):
        return f"the hub answers with status {status}: try again later"
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set: unset it to use the hub"
    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, OfflineModeIsEnabled | None):
        return "it is not in the cache, not whole at least: leave out HF_HUB_OFFLINE or local_files_only to fetch it"
    if isinstance(error, ValueError) or status is not None:
        return f"the hub refuses it ({' '.join(str(error).split())}): mend that, and try again"
    cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else error
    return f"the hub at {constants.ENDPOINT} cannot be reached, or breaks off ({_first_line(cause)}): try again"


def disk_error(error: BaseException | None) -> str | None:
    """Words for an error of this machine's disk, or for what was caused by one; None for any other."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            return f"this machine's disk does not take it ({error.strerror}): mend that, and the same command goes on"
        error = error.__cause__
    return None


_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)


def _status(error: BaseException | None) -> int | None:
    """The HTTP status that an error, or what caused it, stands for."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status is not None:
            return int(status)
        error = error.__cause__
    return None


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
