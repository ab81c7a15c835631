"""Data sets from the Hugging Face hub: found, fetched so that a stopped fetch goes on, and unpacked."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import DatasetCard, HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError

from dmin.errors import DataError, unknown_name
from dmin.hub import disk_error, is_repository, using_hub

_ENCRYPTED = 0x1
"""The flag of an encrypted member of a zip archive."""
_AT_ONCE_BYTES = 1 << 20
"""Bytes that are read at once."""


@dataclass(frozen=True)
class Source:
    """A data set's usual place on the hub."""

    repository: str
    holds: str
    """Its contents, in words."""


SOURCES = {
    "ave": Source(
        "UnFaZeD07/AVE-Dataset",
        "AVE's videos as a zip archive, Annotations.txt and three files of splits, in the original layout",
    ),
}
"""All data sets that are fetched by name. Licences stand on their cards alone, and are read there."""


@dataclass(frozen=True)
class Offer:
    """A data set as the hub has it now."""

    repository: str
    commit: str
    licence: str | None
    """As its card states it; None if it states none."""


def find_offer(name: str, repository: str | None = None, revision: str | None = None) -> Offer:
    """Look a data set up on the hub.

    Args:
        name: One of `SOURCES`.
        repository: Another place, owner/name.
        revision: Branch, tag or commit; its main branch by default.

    Raises:
        DataError: Unknown name; or the hub has no such repository or revision, does not give it, or is out of reach.
    """
    if name not in SOURCES:
        raise DataError(unknown_name("data set", name, SOURCES))
    repository = repository or SOURCES[name].repository
    if not is_repository(repository):
        raise DataError(f"got {repository!r} as the repository: must be owner/name, e.g. {SOURCES[name].repository}")
    with using_hub(_so_far(repository), revision, DataError):
        commit = HfApi().dataset_info(repository, revision=revision).sha or "main"
        try:
            card = hf_hub_download(repository, "README.md", repo_type="dataset", revision=commit)
        except EntryNotFoundError:
            return Offer(repository, commit, None)
    return Offer(repository, commit, _licence(Path(card)))


def fetch(offer: Offer, out: Path, *, bars: bool = False) -> None:
    """Fetch all files of a data set into a folder; those that are there and whole are not fetched again.

    Args:
        offer: What to fetch.
        out: The folder.
        bars: Let the hub's client show its progress bars.

    Raises:
        DataError: The hub cannot be reached or breaks off, or the disk is full. The same call goes on.
    """
    with using_hub(_so_far(offer.repository), offer.commit, DataError, bars=bars):
        snapshot_download(offer.repository, repo_type="dataset", revision=offer.commit, local_dir=out)


def unpack(folder: Path) -> tuple[Path, ...]:
    """Unpack the zip archives in a folder, each beside itself; files that are there and of the right content stay.

    Returns:
        The archives.

    Raises:
        DataError: An archive is damaged or encrypted, or the disk is full.
    """
    archives = tuple(path for path in sorted(folder.rglob("*.zip")) if ".cache" not in path.parts)
    for path in archives:
        try:
            _unpack(path)
        except DataError:
            raise
        # Decompressors have errors without a common base; bzip2's is an OSError without a number.
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                words = disk_error(error) or f"{error.strerror}: mend that, and the same command goes on"
                raise DataError(f"{path} cannot be unpacked: {words}") from error
            raise DataError(f"{path} is damaged ({error}): remove it, and the same command fetches it again") from error
    return archives


def _unpack(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if _is_there(path.parent / member.filename, member):
                continue
            if member.flag_bits & _ENCRYPTED:
                raise DataError(
                    f"{path} is encrypted: unpack it in its folder with its password, then `dmin data check`"
                )
            archive.extract(member, path.parent)


def _is_there(file: Path, member: zipfile.ZipInfo) -> bool:
    """True for a file that has a member's content, as far as size and checksum tell."""
    if not file.is_file() or file.stat().st_size != member.file_size:
        return False
    checksum = 0
    with file.open("rb") as opened:
        while part := opened.read(_AT_ONCE_BYTES):
            checksum = zlib.crc32(part, checksum)
    return checksum == member.CRC


def _so_far(repository: str) -> str:
    return f"the data set {repository!r} was not fetched:"


def _licence(card: Path) -> str | None:
    try:
        licence = DatasetCard.load(card, ignore_metadata_errors=True).data.to_dict().get("license")
    except (OSError, ValueError):
        return None
    return ", ".join(map(str, licence)) if isinstance(licence, list) else licence
