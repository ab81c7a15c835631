"""Write docs/tables.md and its pictures from docs/reports: head.md, then each table's JSON of `dmin reproduce`.

Usage: python tools/tables_page.py
"""

from pathlib import Path

from dmin.paper.assemble import merge
from dmin.paper.table_picture import table_picture
from dmin.paper.words import markdown
from dmin.report import style

DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    """Write the page and the pictures."""
    parts = [(DOCS / "reports" / "head.md").read_text("utf-8")]
    for path in sorted((DOCS / "reports").glob("table*.json")):
        reproduction = merge([path])
        name = path.stem.replace("table", "Table ")
        picture = style.save(table_picture(reproduction), DOCS / "images" / f"{path.stem}.png")
        seen = f"![{name}: ours with intervals, every run, and the paper's figures](images/{picture.name})"
        parts.append(f"## {name}\n\n{seen}\n\n{markdown(reproduction)}")
    (DOCS / "tables.md").write_text("\n".join(parts), "utf-8")


if __name__ == "__main__":
    main()
