"""Change a file in one small way at a time, run a test command on each change, and print those that it lets pass.

Usage: python tools/mutate.py FILE... -- COMMAND...
Example: python tools/mutate.py src/dmin/layers/fusion.py -- pytest -x tests/layers/test_layers_fusion.py

A number becomes one larger, a comparison its opposite, `and` becomes `or`, True becomes False, and a call of dropout
gives what it was given; within f-strings all stays, and so do comments and layout. Each file is put back in the end,
also when the run is interrupted. The command must see the files themselves, not an installed copy, and it must pass
before anything is changed.
"""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OPPOSITES: dict[type[ast.cmpop], str] = {
    ast.Lt: ">=",
    ast.LtE: ">",
    ast.Gt: "<=",
    ast.GtE: "<",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}


@dataclass(frozen=True)
class Mutation:
    """One change of a file's text."""

    line: int
    start: int
    """In bytes of the file, as `end` is."""
    end: int
    old: str
    new: str

    def applied(self, source: bytes) -> bytes:
        """The file's text with this change."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def mutations(source: bytes) -> Iterator[Mutation]:
    """All changes of a file, from its top to its end."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    tree = ast.parse(source)
    # Python before 3.12 does not say where the parts of an f-string stand.
    within = {id(part) for text in ast.walk(tree) if isinstance(text, ast.JoinedStr) for part in ast.walk(text)}
    for node in ast.walk(tree):
        new = None if id(node) in within else _changed(node)
        if new is None or not isinstance(node, ast.expr) or node.end_lineno is None or node.end_col_offset is None:
            continue
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        found.append(Mutation(node.lineno, start, end, source[start:end].decode(), f"({new})"))
    yield from sorted(found, key=lambda mutation: mutation.start)


def _changed(node: ast.AST) -> str | None:
    """What stands in a node's place; None if it is of no kind that is changed."""
    match node:
        case ast.Constant(value=bool(value)):
            return str(not value)
        case ast.Constant(value=int(value) | float(value)):
            return repr(value + 1)
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return f"({ast.unparse(left)}) {OPPOSITES[type(operator)]} ({ast.unparse(right)})"
        case ast.BoolOp(op=operator, values=values):
            word = " or " if isinstance(operator, ast.And) else " and "
            return word.join(f"({ast.unparse(value)})" for value in values)
        case ast.Call(func=ast.Attribute(attr=name), args=[given, *_]) if name.startswith("drop"):
            return ast.unparse(given)
    return None


def passes(command: list[str]) -> bool:
    """Whether the tests pass; no byte code is kept, or a change of the same length might go unseen."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def survivors(path: Path, command: list[str]) -> Iterator[Mutation]:
    """The changes of a file that the command lets pass."""
    source = path.read_bytes()
    try:
        for mutation in mutations(source):
            path.write_bytes(mutation.applied(source))
            if passes(command):
                yield mutation
    finally:
        path.write_bytes(source)


def main() -> int:
    """Print what survives; the exit status is 1 if anything does."""
    if "--" not in sys.argv:
        print(__doc__)
        return 2
    split = sys.argv.index("--")
    files, command = sys.argv[1:split], sys.argv[split + 1 :]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the file is put back then, too
    if not passes(command):
        print("the tests fail before anything is changed")
        return 2
    count = 0
    for name in files:
        for mutation in survivors(Path(name), command):
            count += 1
            print(f"{name}:{mutation.line}: {mutation.old} -> {mutation.new}", flush=True)
    print(f"{count} survived")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
