"""The tool that makes small mistakes in a file finds those that no test sees, and puts the file back."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[1] / "tools" / "mutate.py"
SOURCE = """\
def least(x, layer, é=True):
    # é is not ASCII
    return layer.dropout(x) if x > 2 and é else 2
"""
CHECK = """\
from types import SimpleNamespace
from source import least
layer = SimpleNamespace(dropout=lambda x: x + 5)
assert [least(x, layer) for x in (1, 2, 4)] == [2, 2, 9]
"""


def run(folder, check):
    (folder / "source.py").write_text(SOURCE, "utf-8")
    command = [sys.executable, str(TOOL), "source.py", "--", sys.executable, "-c", check]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")


def test_what_survives_is_printed_and_the_file_put_back(tmp_path):
    answer = run(tmp_path, CHECK)
    assert answer.stdout.splitlines() == ["source.py:3: 2 -> (3)", "1 survived"]  # no check is made of x = 3
    assert answer.returncode == 1
    assert (tmp_path / "source.py").read_text("utf-8") == SOURCE


def test_tests_that_fail_already_are_refused(tmp_path):
    answer = run(tmp_path, "assert False")
    assert (answer.stdout, answer.returncode) == ("the tests fail before anything is changed\n", 2)
