"""The published numbers: against the paper's own text where it is at hand, and a few of them by heart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dmin.errors import DataError
from dmin.lab.paper import TABLES, PublishedRow, row, table


def printed(text: str, number: str) -> list[list[str]]:
    """Cells of a table's lines in the paper's text, its headings first: the lines with tabs below its number."""
    lines = text[text.index(f"\nTABLE {number}\n") :].splitlines()[2:]
    found: list[list[str]] = []
    for line in lines:
        if "\t" in line:
            found.append([cell.strip() for cell in line.split("\t")])
        elif found:
            break
    return found


def shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def named(entry: PublishedRow) -> str:
    """A row's name as the text file has it: formulas between dollars, the halves of Table V in cells of their own."""
    return re.sub(r"^λ = (.*)$", r"$\\lambda = \1$", entry.name).replace(", ", "\t")


@pytest.mark.parametrize("name", list(TABLES))
def test_every_number_is_that_of_the_papers_text(name: str, shared: Path) -> None:
    published = table(name)
    head, *lines = printed((shared / "paper" / "dmin-paper.txt").read_text("utf-8"), published.number)
    assert tuple(head[-len(published.headings) :]) == published.headings
    ours = [[*named(entry).split("\t"), *map(shown, entry.values)] for entry in published.rows]
    assert ours == lines


@pytest.mark.parametrize("name", list(TABLES))
def test_titles_are_those_of_the_papers_text(name: str, shared: Path) -> None:
    text = (shared / "paper" / "dmin-paper.txt").read_text("utf-8")
    title = text[text.index(f"\nTABLE {table(name).number}\n") :].splitlines()[2]
    assert re.sub(r"\W", "", title).startswith(re.sub(r"\W", "", table(name).title.upper().replace("Λ", "λ")))


def test_numbers_known_by_heart() -> None:
    assert [len(published.rows) for published in TABLES.values()] == [12, 4, 9, 7, 4, 6]
    assert row("table1", "dmin").values == (79.6, 74.3)
    assert row("table1", "avel-audio").values == (59.5, 53.4)
    assert row("table1", "avsdn").note == "reproduced by [28]"
    assert row("table1", "cman").note == "reproduced by [25]"
    assert row("table2", "dcmr").values == (56.0, 56.2, 56.1)
    assert table("table2").value("avdln", "v2a") == 44.8
    assert table("table1").value("dam", "weak") is None


def test_the_rows_that_are_dmin_agree_across_the_tables() -> None:
    same = [("table1", "dmin"), ("table3", "agta"), ("table4", "dima"), ("table5", "mha-dfa")]
    assert {row(*place).values for place in same} == {(79.6, 74.3)}
    assert (table("table6").value("lambda-0.1", "full"), table("table6").value("lambda-0.08", "weak")) == (79.6, 74.3)
    assert row("table4", "cmra").values == row("table5", "mha-mha").values


@pytest.mark.parametrize("published", TABLES.values(), ids=list(TABLES))
def test_rows_are_whole_and_their_keys_fit_a_command_line(published) -> None:
    keys = [entry.key for entry in published.rows]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z0-9.-]+", key) for key in keys)
    assert all(len(entry.values) == len(published.columns) == len(published.headings) for entry in published.rows)


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(DataError, match="unknown table 'tabel1': did you mean 'table1'"):
        table("tabel1")
    with pytest.raises(DataError, match="unknown row of Table I 'dmim': did you mean 'dmin'"):
        row("table1", "dmim")
    with pytest.raises(DataError, match="unknown column of Table II 'a2w': did you mean 'a2v'"):
        table("table2").value("dcmr", "a2w")
