"""The Jinja templates beside this file."""

from __future__ import annotations

from functools import cache

import jinja2

from dmin.files import readable


@cache
def template(name: str) -> jinja2.Template:
    """A template by the name of its file; whatever is put into it is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dmin.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["words"] = _words
    return environment.get_template(name)


def _words(value: str | float | None) -> str:
    """A value as a page shows it, before it is escaped."""
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else readable(str(value))
