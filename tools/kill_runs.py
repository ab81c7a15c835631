"""Train once undisturbed, train again with kills at random moments, and compare the two run folders byte for byte.

Usage: python tools/kill_runs.py STORE [--kills 20] [--seed 0] -- FLAGS OF dmin train
Example: python tools/kill_runs.py store -- --preset small --epochs 6 --remix 0.5 --device cpu

A run that ends before it is killed is compared and begun anew, until the kills are used up. Lightning's log and its
checkpoint, and times.csv, which hold times, are left out. Takes about as long as half the kills' number of trainings.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory


def contents(run: Path) -> dict[str, bytes]:
    """The files of a run that must be the same, by name."""
    files = (path for path in run.rglob("*") if path.is_file() and path.name not in ("last.ckpt", "times.csv"))
    return {str(path.relative_to(run)): path.read_bytes() for path in files if "tensorboard" not in path.parts}


def train(store: Path, run: Path, flags: list[str], kill_after_seconds: float | None = None) -> bool:
    """Whether the command reached its end; `SystemExit` if it failed."""
    program = [sys.executable, "-c", "from dmin.cli.commands import run; raise SystemExit(run())"]
    process = subprocess.Popen([*program, "train", str(store), "--out", str(run), "--quiet", *flags])
    try:
        if process.wait(kill_after_seconds):
            sys.exit(f"dmin train failed with status {process.returncode}")
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def main() -> int:
    """Exit status 1 if a killed run left anything else than the undisturbed one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    args, flags = parser.parse_args(words[:cut]), words[cut + 1 :]
    moments = random.Random(args.seed)
    with TemporaryDirectory() as folder:
        undisturbed, killed = Path(folder, "undisturbed"), Path(folder, "killed")
        start = time.perf_counter()
        train(args.store, undisturbed, flags)
        seconds = time.perf_counter() - start
        expected, kills, compared = contents(undisturbed), 0, 0
        print(f"undisturbed: {seconds:.0f} s, {len(expected)} files", flush=True)
        while True:
            moment = moments.uniform(0, seconds) if kills < args.kills else None
            if not train(args.store, killed, flags, moment):
                kills += 1
                epochs = (
                    len((killed / "metrics.csv").read_text().splitlines()) - 1
                    if (killed / "metrics.csv").exists()
                    else 0
                )
                print(f"kill {kills} after {moment:.1f} s, {epochs} epochs in metrics.csv", flush=True)
                continue
            found = contents(killed)
            different = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
            compared += 1
            if different:
                print(f"after {kills} kills these files differ: {', '.join(different)}")
                return 1
            if moment is None:
                break
            shutil.rmtree(killed)
    print(f"{kills} kills, {compared} runs ended, all {len(expected)} files the same in each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
