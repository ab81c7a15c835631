"""A hook of mkdocs: fills the page of the command line with what each command's --help says."""

from __future__ import annotations

import os
from typing import Any

PLACE = "<!-- commands -->"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str | None:
    """Put the help of all commands where a page has a place for it."""
    if PLACE not in markdown:
        return None
    from dmin.cli.commands import COMMANDS, parser_of

    os.environ["COLUMNS"] = "110"
    sections = [f"## dmin {name}\n\n```text\n{parser_of(name).format_help()}```\n" for name in COMMANDS]
    return markdown.replace(PLACE, "\n".join(sections))
