"""The contracts of import-linter: kept by the code, and broken by an import that they forbid."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    words = [sys.executable, "-c", code, "--no-cache"]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the code that a test may spoil."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.safetensors", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_house_stands(copy):
    assert "1 kept, 0 broken" in lint(copy).stdout


@pytest.mark.parametrize(
    ("stair", "statement", "broken"),
    [
        ("media/info.py", "import dmin.cli.console", "dmin.media is not allowed to import dmin.cli"),
        ("models/dmin.py", "import dmin.lab.zoo", "dmin.models is not allowed to import dmin.lab"),
        ("layers/agta.py", "import dmin.models.config", "dmin.layers is not allowed to import dmin.models"),
        ("lab/zoo/avel.py", "import dmin.cli.console", "dmin.lab is not allowed to import dmin.cli"),
        ("training/fit.py", "import dmin.evaluation", "dmin.training is not allowed to import dmin.evaluation"),
    ],
)
def test_an_import_that_runs_up_the_stairs_is_found(copy, stair, statement, broken):
    path = copy / "src" / "dmin" / stair
    path.write_text(path.read_text() + f"\n{statement}\n")
    found = lint(copy)
    assert found.returncode == 1
    assert broken in found.stdout


def test_a_new_folder_must_be_given_its_place(copy):
    (copy / "src" / "dmin" / "attic").mkdir()
    (copy / "src" / "dmin" / "attic" / "__init__.py").touch()
    assert "attic" in lint(copy).stdout
