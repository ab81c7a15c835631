"""What all commands' flags share: hyphens in their names, help that a person reads, and ``--device``."""

from __future__ import annotations

from argparse import SUPPRESS, Action
from typing import Any

from jsonargparse import ActionConfigFile, ArgumentParser, DefaultHelpFormatter
from jsonargparse._actions import _ActionConfigLoad

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "tuple[int, ...]": "whole numbers, as [10,20]",
    "tuple[float, ...]": "numbers, as [0.7,0.3]",
    "tuple[float, float, float]": "three numbers, as [0.7,0.15,0.15]",
    "tuple[str, ...]": "names, as [train,val]",
}
"""Types in words; of a text or a path there is nothing to say."""


class Help(DefaultHelpFormatter):
    """Help with types and defaults in words, and without those that say nothing."""

    def _get_help_string(self, action: Action) -> str:
        text = (action.help or "").replace("``", "`")
        if isinstance(action, ActionConfigFile) or action.nargs == 0:
            return text.removesuffix(".")
        facts = ["required"] if action.required and action.option_strings else []
        kind = _KINDS.get((self._get_type_str(action) or "").removesuffix(" | null"))
        facts += [kind] if kind else []
        if action.default not in (None, SUPPRESS, [], ()) and "default:" not in text and "(the default)" not in text:
            facts.append(f"default: {_shown(action.default)}")
        return text.removesuffix(".") + (f" ({', '.join(facts)})" if facts else "")

    def _get_default_metavar_for_optional(self, action: Action) -> str:
        return str(action.dest).rsplit(".", maxsplit=1)[-1].upper().replace("_", "-")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{','.join(map(str, value))}]"
    return str(value).replace("%", "%%")


def hyphenate(parser: ArgumentParser) -> None:
    """Write the flags' names with hyphens; those with underscores are still understood, and shown nowhere."""
    for action in parser._actions:
        if isinstance(action, _ActionConfigLoad):  # of a group of flags
            action.help = SUPPRESS
        names = [name.replace("_", "-") for name in action.option_strings]
        parser._option_string_actions.update(dict.fromkeys(names, action))
        action.option_strings = names


def add_device(parser: ArgumentParser) -> None:
    """Declare ``--device``; `dmin.cli.main` checks it before the command runs."""
    words = "where to run: auto (a GPU where there is one), cpu, cuda, cuda:1, mps"
    parser.add_argument("--device", type=str, default="auto", help=words)
