"""Jinja templates: pages, and the cards of models."""

from __future__ import annotations

from functools import cache

import jinja2

from dmin.files import readable


@cache
def template(name: str, package: str = "dmin.report") -> jinja2.Template:
    """A template by the name of its file, in the folder of a package; what is put into HTML is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "."),
        autoescape=".html" in name,
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
