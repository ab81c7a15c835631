"""Shared by the flags of all commands: hyphens in names, help and errors in words, and ``--device``."""

from __future__ import annotations

import re
import sys
from argparse import SUPPRESS, Action
from typing import Any, NoReturn

from jsonargparse import ActionConfigFile, ArgumentParser, DefaultHelpFormatter
from jsonargparse._actions import _ActionConfigLoad

from dmin.errors import unknown_name

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "tuple[int, ...]": "whole numbers, as [10,20]",
    "tuple[float, ...]": "numbers, as [0.7,0.3]",
    "tuple[float, float, float]": "three numbers, as [0.7,0.15,0.15]",
    "tuple[str, ...]": "names, as [train,val]",
}
"""Types in words. Texts and paths have none."""


class Help(DefaultHelpFormatter):
    """Formats help: types in words, and no default where there is none."""

    def _get_help_string(self, action: Action) -> str:
        text = (action.help or "").replace("``", "`")
        if isinstance(action, ActionConfigFile) or action.nargs == 0:
            return text.removesuffix(".")
        facts = ["required"] if action.required and action.option_strings else []
        kind = _KINDS.get(_type_of(action))
        facts += [kind] if kind else []
        if action.default not in (None, SUPPRESS, [], ()) and "default:" not in text and "(the default)" not in text:
            facts.append(f"default: {_shown(action.default)}")
        return text.removesuffix(".") + (f" ({', '.join(facts)})" if facts else "")

    def _get_default_metavar_for_optional(self, action: Action) -> str:
        return str(action.dest).rsplit(".", maxsplit=1)[-1].upper().replace("_", "-")


class Parser(ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Say what was got and what is allowed, and exit with status 2."""
        sys.stderr.write(f"dmin: {self._in_words(' '.join(message.split()))}; see `{self.prog} --help`\n")
        self.exit(2)

    def _in_words(self, message: str) -> str:
        if found := re.fullmatch(r'Parser key "(.+?)": .*(?:Got|Given) value: (.*)', message):
            action = next(action for action in self._actions if action.dest == found[1])
            return f"{_name(action)} is {found[2]!r}: must be {_allowed(action)}"
        if found := re.fullmatch(r"argument (\S+): invalid choice: (.+) \(choose from (.+)\)", message):
            return f"{found[1]} is {found[2]}: must be one of {found[3]}"
        if found := re.fullmatch(r"the following arguments are required: (.+)", message):
            missing = [_name(action) for action in self._actions if action.dest in found[1].split(", ")]
            return f"{' and '.join(missing)} must be given"
        if found := re.fullmatch(r"unrecognized arguments: (-\S+?)(?:[= ].*)?", message):
            return unknown_name("flag", found[1], [name for name in self._option_string_actions if "_" not in name])
        return message


def _name(action: Action) -> str:
    return action.option_strings[0] if action.option_strings else action.dest.upper()


def _allowed(action: Action) -> str:
    """The values that a flag takes, in words."""
    kind = _type_of(action)
    if choices := re.fullmatch(r"Literal\[(.+)\]", kind):
        return " or ".join(choice.strip("' ") for choice in choices[1].split(","))
    return {**_KINDS, "bool": "true or false"}.get(kind, kind)


_HELP = Help("")  # type: ignore[no-untyped-call]  # the library is not typed here


def _type_of(action: Action) -> str:
    """The name of a flag's type as it is written in code, or nothing."""
    return (_HELP._get_type_str(action) or "").removesuffix(" | null")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{','.join(map(str, value))}]"
    return str(value).replace("%", "%%")


def hyphenate(parser: ArgumentParser) -> None:
    """Give all flags names with hyphens. Names with underscores still work, but help does not show them."""
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
