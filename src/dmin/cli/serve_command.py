"""`dmin serve`."""

from __future__ import annotations

import time
import webbrowser
from collections.abc import Sequence
from dataclasses import fields

from jsonargparse import ArgumentParser, Namespace

from dmin.cli.console import Console
from dmin.cli.options import add_remote_code
from dmin.errors import DataError, require

HELP = """Serve a web page: drop a video, watch its events as subtitles and on a timeline, move the threshold, take the
answer along in any format. Only this machine can open it unless --host says otherwise. Needs `pip install dmin[web]`.
Example: dmin serve --models runs --open"""
STOPPED = "uploads and answers are deleted; the same command serves the page again"


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    from dmin.web.settings import ServeSettings

    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    add_remote_code(parser)
    parser.add_class_arguments(ServeSettings)


def check(args: Namespace) -> None:
    """Refuse a missing library, and a folder without models."""
    from dmin.web.settings import ServeSettings

    require("gradio", "web")
    args.settings = ServeSettings(**{field.name: getattr(args, field.name) for field in fields(ServeSettings)})
    if args.models is not None and not any(args.models.rglob("config.json")):
        raise DataError(f"{args.models} holds no model: give a folder of `dmin train`, or one that holds such folders")


def run(args: Namespace, console: Console) -> int:
    """Serve until Ctrl-C."""
    from dmin.web.page import serving

    with serving(args.settings) as address:
        console.result(address)
        console.note("Ctrl-C ends it")
        if args.open:
            webbrowser.open(address)
        while True:
            time.sleep(3600)
