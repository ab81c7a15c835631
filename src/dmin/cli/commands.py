"""Commands by name, and what all of them share: help, errors in one line, exit status."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Protocol

from jsonargparse import ArgumentParser, Namespace, set_parsing_settings

from dmin.cli.console import Console, described
from dmin.cli.options import Help, MissingInputError, Parser, hyphenate
from dmin.errors import DminError, unknown_name

COMMANDS = {
    "demo": "make videos, extract, train, evaluate, localize: all of it in a few minutes",
    "localize": "find the events of videos",
    "serve": "serve a web page: drop a video, watch its events",
    "cut": "events -> clips of their own",
    "match": "find a sound in a video's picture, or a picture in a sound",
    "compose": "make an AVE-like data set of real video files with exact truth",
    "extract": "videos -> feature store",
    "train": "train a network on a feature store",
    "evaluate": "score a model on a split",
    "push": "publish a trained model on the Hugging Face hub",
    "export": "write a trained model as an ONNX file",
    "reproduce": "run a table or a figure of the paper: ours beside the published numbers",
    "convert": "a checkpoint of the authors' released code -> a model of dmin",
    "data": "bring labels into a data-set folder; fetch, check or count a data set",
    "list": "list backbones, formats, presets and systems",
}


class Command(Protocol):
    """The interface of a command's module."""

    HELP: str
    """Description of the command, with an example."""
    STOPPED: str
    """After Ctrl-C: what is kept, and what the same command will do."""

    def add_arguments(self, parser: ArgumentParser, words: Sequence[str] = ()) -> None:
        """Declare the command's arguments; ``words`` is what was typed after its name."""

    def run(self, args: Namespace, console: Console) -> int:
        """Do it; the exit status comes back.

        A command may also have ``check(args)``, called before it: what it raises is a usage error, with status 2; and
        ``ordered(words)``, which puts what was typed into the order in which it is to be read.
        """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: As typed, without the program's name; those of this process by default.

    Returns:
        Exit status: 0 only if all of it worked.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in {"-h", "--help"}:
        sys.stdout.write(_overview())
        return 0
    if words[0] == "--version":
        import dmin

        sys.stdout.write(f"dmin {dmin.__version__}\n")
        return 0
    if words[0] not in COMMANDS:
        sys.stderr.write(f"dmin: {unknown_name('command', words[0], COMMANDS)}\n")
        return 2
    return _run_command(words[0], words[1:])


def _command(name: str) -> Command:
    command: Command = importlib.import_module(f"dmin.cli.{name}_command")
    return command


def parser_of(name: str, words: Sequence[str] = ()) -> Parser:
    """The parser of a command.

    Args:
        name: One of `COMMANDS`.
        words: What was typed after it; some flags depend on it.
    """
    command = _command(name)
    parser = Parser(
        prog=f"dmin {name}",
        description=command.HELP,
        allow_abbrev=False,
        formatter_class=Help,
        print_config="--print-config",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress, no notes; errors still show")
    parser.add_argument(
        "--plugin",
        action="append",
        type=str,
        help="a Python file with systems, backbones or slots of your own; may be repeated",
    )
    # So that each flag's help is the words under the dataclass's field.
    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    command.add_arguments(parser, words)
    hyphenate(parser)
    return parser


def _run_command(name: str, words: list[str]) -> int:
    command = _command(name)
    try:
        args = _parsed(name, words)
    except SystemExit as end:
        return int(end.code or 0)
    except MissingInputError as error:
        for line in str(error).splitlines():
            Console().error(line)
        return 1
    except DminError as error:
        Console().error(str(error))
        return 2
    from dmin.features.memory import keep_freed_memory

    keep_freed_memory()
    console = Console(quiet=args.quiet)
    with warnings.catch_warnings(), console.heeding_interrupts():
        warnings.showwarning = console.warning
        try:
            return command.run(args, console)
        except (KeyboardInterrupt, DminError) as error:
            if isinstance(error, KeyboardInterrupt) or console.interrupted:
                console.error(f"stopped: {command.STOPPED}")
                return 130
            console.error(str(error))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            console.error(described(error))
    return 1


def _parsed(name: str, words: list[str]) -> Namespace:
    """Read what was typed after a command's name, and check it."""
    command = _command(name)
    _load_plugins(words)
    if ordered := getattr(command, "ordered", None):
        words = ordered(words)
    parser = parser_of(name, words)
    args: Namespace = parser.instantiate(parser.parse_args(words))
    _check_device(args)
    if getattr(args, "trust_remote_code", False):
        from dmin.backbones import trust_remote_code

        trust_remote_code()
    if check := getattr(command, "check", None):
        check(args)
    return args


def _check_device(args: Namespace) -> None:
    """Refuse a device that this machine does not have, before any work; a cluster may have others."""
    if getattr(args, "engine", "pool") != "ray" and getattr(args, "device", "cpu") not in ("auto", "cpu"):
        from dmin.device import device_of

        device_of(args.device)


def _load_plugins(words: Sequence[str]) -> None:
    """Run the files that ``--plugin`` names, before any argument is looked at: their systems are arguments, too."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--plugin", action="append", default=[])
    paths = parser.parse_known_args(list(words))[0].plugin
    if paths:
        from dmin.plugins import load_plugin

        for path in paths:
            load_plugin(path)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return (
        "dmin finds audio-visual events in videos: what is both heard and seen, second by second.\n\n"
        "usage: dmin COMMAND ...\n\n" + "\n".join(lines) + "\n\n"
        "Start with `dmin demo`, or `dmin localize VIDEO`. `dmin COMMAND --help` shows an example of each.\n"
    )
