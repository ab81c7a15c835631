"""The tables in the docs are those of the reports beside them."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_page_says_what_the_reports_say():
    tool = runpy.run_path(str(ROOT / "tools" / "tables_page.py"))
    assert (ROOT / "docs" / "tables.md").read_text("utf-8") == tool["page"](), "run python tools/tables_page.py"
    assert len(tool["REPORTS"]) == 6
    assert all((ROOT / "docs" / "images" / f"{report.stem}.png").is_file() for report in tool["REPORTS"])
