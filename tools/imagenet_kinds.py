"""Derive src/dmin/backbones/imagenet_kinds.tsv: which of ImageNet's 1000 classes are of which WordNet kind.

Needs WordNet 3.0's noun file (Debian: `apt install wordnet-base`); the classes' synsets come from timm.

    uv run python tools/imagenet_kinds.py /usr/share/wordnet/data.noun > src/dmin/backbones/imagenet_kinds.tsv
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from timm.data import ImageNetInfo

LARGEST = 900
"""Kinds of more classes than this ("entity") say nothing."""
HEADER = """\
# WordNet 3.0 synsets and the ImageNet classes (0 to 999) that are of their kind; made by tools/imagenet_kinds.py.
# WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved. Used under the WordNet licence.
"""


def read_nouns(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """First word and hypernyms of every noun synset, by its offset."""
    words, hypernyms = {}, {}
    for line in path.read_text("latin-1").splitlines():
        if line.startswith(" "):  # the licence
            continue
        fields = line.split(" | ")[0].split()
        pointers = fields[4 + 2 * int(fields[3], 16) :]
        words[fields[0]] = fields[4]
        hypernyms[fields[0]] = [pointers[i + 1] for i in range(1, len(pointers), 4) if pointers[i] in {"@", "@i"}]
        hypernyms[fields[0]] = [offset.zfill(8) for offset in hypernyms[fields[0]]]
    return words, hypernyms


def ancestors(synset: str, hypernyms: dict[str, list[str]]) -> set[str]:
    """A synset and all that it is a kind of."""
    return {synset}.union(*(ancestors(parent, hypernyms) for parent in hypernyms.get(synset, [])))


def ranges(numbers: list[int]) -> str:
    """151,152,153,160 -> 151-153,160."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in runs)


def main() -> None:
    """Print the table."""
    words, hypernyms = read_nouns(Path(sys.argv[1]))
    members: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(ImageNetInfo().label_names()):  # wnids: n02085620, ...
        for synset in ancestors(name[1:], hypernyms):
            members[synset].append(index)
    # Of kinds with the same classes, the one highest up gives the name.
    kinds: dict[tuple[int, ...], str] = {}
    for synset in sorted(members, key=lambda synset: (len(ancestors(synset, hypernyms)), synset)):
        if 2 <= len(members[synset]) <= LARGEST:
            kinds.setdefault(tuple(members[synset]), words[synset])
    sys.stdout.write(HEADER)
    for classes, word in sorted(kinds.items(), key=lambda kind: (-len(kind[0]), kind[0])):
        sys.stdout.write(f"{word}\t{ranges(list(classes))}\n")


if __name__ == "__main__":
    main()
