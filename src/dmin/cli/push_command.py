"""`dmin push`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace

from dmin.cli.console import Console
from dmin.cli.options import refuse_missing

HELP = """Publish a trained model on the Hugging Face hub, with a card made of what the run folder says.
Weights, settings, recipe and figures are sent, checkpoints and logs are not. Log in once with `hf auth login`. The card
is RUN/README.md: once you have edited it, it stays yours. Figures of `dmin evaluate RUN STORE --out RUN/test` stand in
it. Example: dmin push runs/mine owner/name --license cc-by-4.0; then dmin localize VIDEO --model owner/name"""
STOPPED = "the hub may hold some of the files; the same command sends the others"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run", type=Path, help="run folder of `dmin train`, finished")
    parser.add_argument("name", type=str, help="its name on the hub, owner/name; made if it is not there")
    parser.add_argument("--private", action="store_true", help="let nobody else see it")
    parser.add_argument(
        "--revision", type=str | None, default=None, help="branch to send to, made if need be; default: the main one"
    )
    parser.add_argument("--message", type=str | None, default=None, help="message of the commit")
    parser.add_argument(
        "--license",
        type=str | None,
        default=None,
        help="licence of the model, as the hub names it, e.g. apache-2.0; default: as at the last push, or not stated",
    )


def check(args: Namespace) -> None:
    """Refuse a run that does not exist, and what cannot be a name."""
    refuse_missing(args.run)
    from dmin.publish.push import check_repository

    check_repository(args.name)


def run(args: Namespace, console: Console) -> int:
    """Publish."""
    from dmin.publish import push_to_hub

    pushed = push_to_hub(
        args.run,
        args.name,
        private=args.private,
        revision=args.revision,
        message=args.message,
        licence=args.license,
    )
    if pushed.card_kept:
        console.note("the card was edited, and stays as it is")
    console.result(f"{', '.join(pushed.files)} -> {pushed.url}")
    return 0
