"""Banks: where `compose` gets its pictures and sounds."""

from __future__ import annotations

from pathlib import Path

from dmin.errors import DataError, unknown_name
from dmin.lab.compose.banks.bank import Bank, Item

__all__ = ["BANKS", "Bank", "Item", "open_bank"]

BANKS = {
    "scenes": "pictures and sounds drawn by code; needs nothing",
    "folder": "pictures/CATEGORY/* and sounds/CATEGORY/* of a folder, optionally negatives/{pictures,sounds}",
    "stamps": "the cut-out photographs and sounds of Debian's tuxpaint-stamps-default",
}
"""Each bank's name and what it holds."""


def open_bank(name: str, folder: str | Path | None = None) -> Bank:
    """Open a bank by its name.

    Args:
        name: One of `BANKS`.
        folder: Where the files are: needed by ``folder``; ``stamps`` knows where Debian puts them; ``scenes`` has none.

    Raises:
        DataError: The name is unknown, the folder is missing or superfluous, or its content cannot be used.

    Example:
        >>> open_bank("scenes").categories
        ('Bell', 'Bird', 'Car', 'Clock', 'Drum', 'Rain', 'Robot', 'Siren')
    """
    # Imported here: a bank brings Pillow, which reading annotations does not need.
    if name == "scenes":
        from dmin.lab.compose.banks.scenes import ScenesBank

        if folder is not None:
            raise DataError(f"bank scenes is drawn by code and takes no folder (got {folder}): leave it out")
        return ScenesBank()
    if name == "folder":
        from dmin.lab.compose.banks.folder import open_folder

        if folder is None:
            raise DataError("bank folder needs a folder: say where, e.g. `--bank folder --folder MY_BANK`")
        return open_folder(folder)
    if name == "stamps":
        from dmin.lab.compose.banks.stamps import open_stamps

        return open_stamps(folder)
    raise DataError(unknown_name("bank", name, BANKS))
