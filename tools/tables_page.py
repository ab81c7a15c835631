"""Write docs/tables.md and its pictures from docs/reports: head.md, then each table's JSON of `dmin reproduce`.

Usage: python tools/tables_page.py
"""

from pathlib import Path

from dmin.lab.paper.results import merge
from dmin.lab.paper.table_picture import table_picture
from dmin.lab.paper.words import markdown
from dmin.report import style

DOCS = Path(__file__).parent.parent / "docs"
REPORTS = sorted((DOCS / "reports").glob("table*.json"))


def page() -> str:
    """The page's text."""
    parts = [(DOCS / "reports" / "head.md").read_text("utf-8")]
    for report in REPORTS:
        name = report.stem.replace("table", "Table ")
        seen = f"![{name}: ours with intervals, every run, and the paper's figures](images/{report.stem}.png)"
        parts.append(f"## {name}\n\n{seen}\n\n{markdown(merge([report]))}")
    return "\n".join(parts)


def main() -> None:
    """Write the page and the pictures."""
    (DOCS / "tables.md").write_text(page(), "utf-8")
    for report in REPORTS:
        style.save(table_picture(merge([report])), DOCS / "images" / f"{report.stem}.png")


if __name__ == "__main__":
    main()
