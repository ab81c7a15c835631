"""`dmin convert`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from jsonargparse import ArgumentParser, Namespace

from dmin.cli.console import Console
from dmin.cli.options import refuse_missing

HELP = """Turn a checkpoint of the authors' released code into a model of dmin.
No code from the file is run. The weights of full, a2v and v2a look alike: say which with --network.
Example: dmin convert --from official full.pt --out models/full --network full"""
STOPPED = "no model was written; the same command starts again"

_KNOWN_BY = {
    "given": "as given",
    "keys": "by the names of its weights",
    "file name": "by the file's name",
    "guess": "a guess",
}


def add_arguments(parser: ArgumentParser, words: Sequence[str] = ()) -> None:
    """Declare the command's arguments."""
    parser.add_argument("checkpoint", type=Path, help="file that the released training wrote, or safetensors of it")
    parser.add_argument("--from", type=Literal["official"], default="official", help="whose checkpoint it is")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument(
        "--network",
        "--preset",
        type=str | None,
        default=None,
        help="full, weak, a2v or v2a, also as official-full ...; default: by names of weights or file, else full",
    )
    parser.add_argument(
        "--features",
        type=Literal["released", "backbones"],
        default="released",
        help="what the model will be given: released (AVE's features), or backbones (videos, through vgg19 and vggish)",
    )


def check(args: Namespace) -> None:
    """Refuse a checkpoint that does not exist."""
    refuse_missing(args.checkpoint)


def run(args: Namespace, console: Console) -> int:
    """Convert."""
    from dmin.lab.ave.convert import convert_official

    done = convert_official(args.checkpoint, args.out, args.network, features=args.features)
    console.result(f"network:    official-{done.network} ({_KNOWN_BY[done.known_by]})")
    console.result(f"parameters: {done.used:,} used of {done.stored:,} stored")
    console.result(f"not used:   {', '.join(done.dropped) or 'none'}")
    console.result(f"-> {done.folder}")
    console.result(f"next: dmin evaluate {done.folder} STORE")
    return 0
