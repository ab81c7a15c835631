"""Write docs/tables.md from docs/reports: head.md, then each table's JSON file as `dmin reproduce` wrote it.

Usage: python tools/tables_page.py
"""

from pathlib import Path

from dmin.paper.assemble import merge
from dmin.paper.words import markdown

DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    """Write the page."""
    parts = [(DOCS / "reports" / "head.md").read_text("utf-8")]
    for path in sorted((DOCS / "reports").glob("table*.json")):
        reproduction = merge([path])
        parts.append(f"## {path.stem.replace('table', 'Table ')}\n\n{markdown(reproduction)}")
    (DOCS / "tables.md").write_text("\n".join(parts), "utf-8")


if __name__ == "__main__":
    main()
