"""The paper's tables: its published numbers as data, and runs that set ours beside them."""

from dmin.lab.paper.tables import TABLES, PublishedRow, PublishedTable, row, table

__all__ = ["TABLES", "PublishedRow", "PublishedTable", "row", "table"]
