"""Shared by the flags of all commands: hyphens in names, help and errors in words, and ``--device``."""

from __future__ import annotations

import re
import sys
from argparse import SUPPRESS, Action
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from jsonargparse import ActionConfigFile, ArgumentParser, DefaultHelpFormatter, Namespace
from jsonargparse._actions import _ActionConfigLoad
from jsonargparse.typing import PositiveFloat, PositiveInt

from dmin.errors import DminError, unknown_name

if TYPE_CHECKING:
    from dmin.features.workers import Engine

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "PositiveInt": "a whole number of 1 or more",
    "NonNegativeInt": "a whole number of 0 or more",
    "PositiveFloat": "a number above 0",
    "NonNegativeFloat": "a number of 0 or more",
    "ClosedUnitInterval": "a number from 0 to 1",
    "tuple[int, ...]": "whole numbers, as [10,20]",
    "tuple[float, ...]": "numbers, as [0.7,0.3]",
    "tuple[float, float, float]": "three numbers, as [0.7,0.15,0.15]",
    "tuple[str, ...]": "names, as [train,val]",
}
"""Types in words. Texts and paths have none."""


_BAD_VALUE = (
    r'Parser key "(.+?)": .*(?:Got|Given) value: (.*)',
    r'Parser key "(.+?)": Not of type \w+: (\S+) does not conform to .*',
    r'Parser key "(.+?)": Not of type \w+: .*: \'(.*)\'',
)
"""The parser's own words for a value of the wrong type or range: the flag, and the value."""


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
        for pattern in _BAD_VALUE:
            if found := re.fullmatch(pattern, message):
                action = next(action for action in self._actions if action.dest == found[1])
                return f"{_name(action)} is {found[2]!r}: must be {_allowed(action)}"
        if found := re.fullmatch(r"argument (\S+): invalid choice: (.+) \(choose from (.+)\)", message):
            kind = found[1].lstrip("-") if found[1].startswith("-") else "word"
            return unknown_name(kind, found[2].strip("'"), re.findall(r"'(.+?)'", found[3]))
        if found := re.fullmatch(r"the following arguments are required: (.+)", message):
            required = [action for action in self._actions if action.dest in found[1].split(", ")]
            missing = [_one_of(action.choices) if action.choices else _name(action) for action in required]
            return f"{' and '.join(missing)} must be given"
        if found := re.fullmatch(r"unrecognized arguments: (-\S+?)(?:[= ].*)?", message):
            groups = {name for action in self._actions if _is_group(action) for name in action.option_strings}
            known = {name for name in self._option_string_actions if "_" not in name} - groups
            return unknown_name("flag", found[1], known)
        if found := re.fullmatch(r'Parser key "([\w.]+)": Unable to load config .*', message):
            return f"--{found[1]} alone takes nothing: give one of its fields, --{found[1]}.NAME VALUE"
        return message


def _is_group(action: Action) -> bool:
    """Tell a flag that stands for a group of flags, as ``--model`` for ``--model.width`` and others."""
    return isinstance(action, _ActionConfigLoad)


def _one_of(choices: Iterable[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def _name(action: Action) -> str:
    return action.option_strings[0] if action.option_strings else action.dest.upper()


def _allowed(action: Action) -> str:
    """The values that a flag takes, in words."""
    kind = _type_of(action)
    if choices := re.fullmatch(r"(?:Optional\[)?Literal\[(.+?)\]+", kind):
        return _one_of([choice.strip("' ") for choice in choices[1].split(",")])
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
        if _is_group(action):
            action.help = SUPPRESS
        names = [name.replace("_", "-") for name in action.option_strings]
        parser._option_string_actions.update(dict.fromkeys(names, action))
        action.option_strings = names


class MissingInputError(DminError):
    """Nothing that a command was given exists."""


def refuse_missing(*inputs: str | Path) -> None:
    """Report inputs of which none exists, before libraries are imported that take seconds.

    If one of them exists, the command goes on, and reports the others in their turn.

    Raises:
        MissingInputError: None exists.
    """
    if inputs and not any(Path(path).exists() for path in inputs):
        raise MissingInputError("\n".join(f"{path} does not exist: check the name" for path in inputs))


def add_workers(parser: ArgumentParser) -> None:
    """Declare ``--workers``, ``--item-timeout``, ``--engine`` and ``--address``; see `cluster_of`."""
    words = "processes, each with its own backbones; default: 1, or with --engine ray as many as there is room for"
    parser.add_argument("--workers", type=PositiveInt | None, default=None, help=words)
    parser.add_argument(
        "--item-timeout",
        type=PositiveFloat,
        default=3600.0,
        help="with several workers: seconds after which the work on a video is stopped, as if it hung",
    )
    words = "what runs the workers: pool (processes of this machine) or ray (a Ray cluster; needs the extra ray)"
    parser.add_argument("--engine", type=Literal["pool", "ray"], default="pool", help=words)
    words = "with --engine ray: auto (the cluster of this machine) or HOST:PORT; default: a Ray on this machine alone"
    parser.add_argument("--address", type=str | None, default=None, help=words)


def cluster_of(args: Namespace) -> Engine | None:
    """The engine that ``--engine`` asks for beside this machine's own processes; None for those.

    Raises:
        DminError: There is an address, but no cluster to be used; or Ray is not installed.
    """
    if args.engine == "ray":
        from dmin.features.cluster import RayCluster

        return RayCluster(args.address, args.workers, args.item_timeout, args.device)
    if args.address is not None:
        raise DminError(f"--address is {args.address!r}, which is that of a Ray cluster: give --engine ray, too")
    return None


def add_shard(parser: ArgumentParser) -> None:
    """Declare ``--shard``; `dmin.shard.Shard.read` reads it."""
    parser.add_argument("--shard", type=str, default="1/1", help="i/n: do the i-th of n parts, one a machine")


def add_device(parser: ArgumentParser) -> None:
    """Declare ``--device``; `dmin.cli.commands` checks it before the command runs."""
    words = "where to run: auto (a GPU where there is one), cpu, cuda, cuda:1, mps"
    parser.add_argument("--device", type=str, default="auto", help=words)


def add_fast(parser: ArgumentParser) -> None:
    """Declare ``--fast``."""
    words = (
        "let the backbones compute in bfloat16: two to four times as fast on processors with AMX; features differ by "
        "some percent, and do not mix with exact ones"
    )
    parser.add_argument("--fast", action="store_true", help=words)


def add_revision(parser: ArgumentParser) -> None:
    """Declare ``--revision``."""
    words = "branch, tag or commit of a model of the hub; default: its main branch"
    parser.add_argument("--revision", type=str | None, default=None, help=words)


def add_remote_code(parser: ArgumentParser) -> None:
    """Declare ``--trust-remote-code``; `dmin.cli.commands` heeds it before the command runs."""
    words = "let networks of transformers (hf:OWNER/NAME) run Python code of their own repositories"
    parser.add_argument("--trust-remote-code", action="store_true", help=words)
