"""Tables I to VI of the paper, as printed.

Where the paper's text says something else, the tables stand: the text gives AVTrans 3.7 less than AGTA (full
supervision; the table 3.8), and CMRA 2.5 less than DIMA (weak supervision; the table 1.6).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dmin.errors import DataError, unknown_name


@dataclass(frozen=True)
class PublishedRow:
    """One line of a table."""

    key: str
    """Its name on the command line."""
    name: str
    """Its name as printed, with the reference."""
    values: tuple[float | None, ...]
    """One for each column, in percent; None where a dash is printed."""
    note: str = ""
    """Explanation of the printed name."""


@dataclass(frozen=True)
class PublishedTable:
    """A table of the paper; all its numbers are accuracies in percent, on AVE."""

    number: str
    """As printed, in Roman figures."""
    title: str
    columns: tuple[str, ...]
    """Short names of the columns: their names on the command line and in files."""
    headings: tuple[str, ...]
    """The columns' names as printed."""
    rows: tuple[PublishedRow, ...] = field(repr=False)

    def row(self, key: str) -> PublishedRow:
        """A line, by its key.

        Raises:
            DataError: There is no such line.
        """
        rows = {row.key: row for row in self.rows}
        if key not in rows:
            raise DataError(unknown_name(f"row of Table {self.number}", key, rows))
        return rows[key]

    def value(self, key: str, column: str) -> float | None:
        """A number, by line and column; None where a dash is printed.

        Raises:
            DataError: There is no such line or column.

        Example:
            >>> table("table1").value("dmin", "full"), table("table1").value("dam", "weak")
            (79.6, None)
        """
        if column not in self.columns:
            raise DataError(unknown_name(f"column of Table {self.number}", column, self.columns))
        return self.row(key).values[self.columns.index(column)]


_SUPERVISION = {"columns": ("full", "weak"), "headings": ("Fully-supervised", "Weakly-supervised")}
_STARRED = "the paper's modified version of what its reference describes"

TABLES = {
    "table1": PublishedTable(
        "I",
        "Comparisons of accuracy (%) on the AVE dataset for the fully- and weakly-supervised settings",
        **_SUPERVISION,
        rows=(
            PublishedRow("avel-video", "AVEL (Only Video) [21]", (55.3, 52.9)),
            PublishedRow("avel-audio", "AVEL (Only Audio) [21]", (59.5, 53.4)),
            PublishedRow("avsdn", "AVSDN* [26]", (72.6, 66.8), "reproduced by [28]"),
            PublishedRow("avel", "AVEL [21]", (72.7, 66.7)),
            PublishedRow("cman", "CMAN** [23]", (73.3, 70.4), "reproduced by [25]"),
            PublishedRow("dam", "DAM [27]", (74.5, None)),
            PublishedRow("avrb", "AVRB [40]", (74.8, 68.9)),
            PublishedRow("avin", "AVIN [22]", (75.2, 69.4)),
            PublishedRow("avt", "AVT [24]", (76.8, 70.2)),
            PublishedRow("cmran", "CMRAN [28]", (77.4, 72.9)),
            PublishedRow("psp", "PSP [25]", (77.8, 73.5)),
            PublishedRow("dmin", "Ours", (79.6, 74.3), "DMIN"),
        ),
    ),
    "table2": PublishedTable(
        "II",
        "Comparisons of accuracy (%) of our method with DCCA, AVDLN, and DAM on the cross-modality localization task",
        ("a2v", "v2a", "average"),
        ("A2V", "V2A", "Average"),
        rows=(
            PublishedRow("dcca", "DCCA [61]", (34.1, 34.8, 34.5)),
            PublishedRow("avdln", "AVDLN [21]", (35.6, 44.8, 40.2)),
            PublishedRow("dam", "DAM [27]", (47.1, 48.5, 47.8)),
            PublishedRow("dcmr", "Ours", (56.0, 56.2, 56.1), "DCMR"),
        ),
    ),
    "table3": PublishedTable(
        "III",
        "Effect of the AGTA module on the accuracy (%)",
        **_SUPERVISION,
        rows=(
            PublishedRow("no-agta", "w/o AGTA", (76.6, 71.7), "the map's mean over its regions"),
            PublishedRow("avtrans", "AVTrans[24]", (75.8, 68.1)),
            PublishedRow("agva", "AGVA [21]", (77.1, 72.1)),
            PublishedRow("agsca", "AGSCA [28]", (78.0, 72.6)),
            PublishedRow("agta-no-lstm", "AGTA w/o LSTM", (78.0, 72.3)),
            PublishedRow("agta-no-mfb", "AGTA w/o MFB", (77.6, 73.0)),
            PublishedRow("agta-no-channel", "AGTA w/o channel", (78.8, 71.9)),
            PublishedRow("agta-no-spatial", "AGTA w/o spatial", (77.5, 69.5), "not mentioned in the text"),
            PublishedRow("agta", "AGTA", (79.6, 74.3), "DMIN"),
        ),
    ),
    "table4": PublishedTable(
        "IV",
        "Effect of the DIMA module on the accuracy (%)",
        **_SUPERVISION,
        rows=(
            PublishedRow("no-dima", "w/o DIMA", (77.5, 71.2)),
            PublishedRow("han", "HAN [62]", (76.1, 72.1)),
            PublishedRow("cmca", "CMCA [23]", (76.4, 66.8)),
            PublishedRow("fgnl-star", "FGNL* [43]", (77.2, 73.7), _STARRED),
            PublishedRow("gnl-star", "GNL* [42]", (78.0, 73.7), _STARRED),
            PublishedRow("cmra", "CMRA [28]", (78.2, 72.7)),
            PublishedRow("dima", "DIMA", (79.6, 74.3), "DMIN"),
        ),
    ),
    "table5": PublishedTable(
        "V",
        "Effect of the DFA module on the accuracy (%)",
        **_SUPERVISION,
        rows=(
            PublishedRow("mha-mha", "MHA, MHA", (78.2, 72.7), "Q and K_x, then Q and K_y; the same as CMRA"),
            PublishedRow("dfa-mha", "DFA, MHA", (78.7, 73.1)),
            PublishedRow("dfa-dfa", "DFA, DFA", (78.5, 73.6)),
            PublishedRow("mha-dfa", "MHA, DFA", (79.6, 74.3), "DMIN"),
        ),
    ),
    "table6": PublishedTable(
        "VI",
        "Impact of the weight λ in UDL on the accuracy (%)",
        **_SUPERVISION,
        rows=(
            PublishedRow("lambda-0.00", "λ = 0.00", (78.4, 73.7)),
            PublishedRow("lambda-0.02", "λ = 0.02", (78.5, 72.8)),
            PublishedRow("lambda-0.04", "λ = 0.04", (78.2, 72.6)),
            PublishedRow("lambda-0.06", "λ = 0.06", (78.1, 73.4)),
            PublishedRow("lambda-0.08", "λ = 0.08", (79.2, 74.3), "the other tables' weight for weak supervision"),
            PublishedRow("lambda-0.1", "λ = 0.1", (79.6, 72.7), "the other tables' weight for full supervision"),
        ),
    ),
}
"""The six tables by the names that the command line uses."""


def table(name: str) -> PublishedTable:
    """A table, by its name.

    Raises:
        DataError: There is no such table.

    Example:
        >>> table("table2").headings
        ('A2V', 'V2A', 'Average')
    """
    if name not in TABLES:
        raise DataError(unknown_name("table", name, TABLES))
    return TABLES[name]


def row(name: str, key: str) -> PublishedRow:
    """A line of a table, by both names.

    Raises:
        DataError: There is no such table or line.

    Example:
        >>> row("table1", "psp").values
        (77.8, 73.5)
    """
    return table(name).row(key)
