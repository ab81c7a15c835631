"""Plugins: Python files of one's own that add entries to registries, named with ``--plugin FILE``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from dmin.errors import ModelError
from dmin.registry import Registry, load_extensions

loaded: list[Path] = []
"""Files that this process has run; its worker processes run them, too."""


def load_plugin(path: str | Path) -> None:
    """Run a Python file that registers systems, or entries of other registries: backbones, fillings of slots, formats.

    Raises:
        ModelError: It is no file, it cannot be run, or it registers nothing.
    """
    path = Path(path).resolve()
    load_extensions()
    before = Registry.entries
    name = f"dmin_plugin_{path.stem}"
    if getattr(sys.modules.get(name), "__file__", None) == str(path):
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ModelError(
            f"no plugin {path}: give a Python file that registers a system, a backbone or a slot's filling"
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        if isinstance(error, ModelError):
            raise
        line = _line_of(error, path)
        raise ModelError(f"plugin {path} fails{line}: {type(error).__name__}: {error}") from error
    if Registry.entries == before:
        raise ModelError(
            f"plugin {path} registers nothing: put @system(...) above the class of a network, "
            "@register(card) above that of a backbone, or e.g. @INTER_MODALITY.register(name) above the maker of a "
            "slot's filling"
        )
    loaded.append(path)


def _line_of(error: BaseException, path: Path) -> str:
    """Name the line of a file in which an error arose."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f" in line {lines[-1]}" if lines else ""
