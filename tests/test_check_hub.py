"""The tool that runs real networks, here on tiny ones: a row each, and a sentence for those that fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backbones.hub_tiny import save_hf, save_timm, save_tokenizer
from dmin.inference.labels import everyday

TOOL = Path(__file__).parents[1] / "tools" / "check_hub.py"


def test_a_table_of_local_networks(tmp_path):
    pytest.importorskip("transformers", reason="the extra hub is not installed")
    save_timm("test_resnet", tmp_path / "resnet")
    save_hf("clip", tmp_path / "clip")
    save_hf("ast", tmp_path / "ast")
    (tmp_path / "ast" / "README.md").write_text("---\nlicense: mit\n---\n")
    save_hf("clap", tmp_path / "clap")
    for name in ("clip", "clap"):
        save_tokenizer(tmp_path / name)
    visual = [f"timm:local-dir:{tmp_path / 'resnet'}", f"hf:{tmp_path / 'clip'}", "timm:local-dir:nowhere"]
    command = [sys.executable, str(TOOL), *visual, "--audio", f"hf:{tmp_path / 'ast'}"]
    command += ["--labels", "a dog barks, church bell", "--pair", f"hf:{tmp_path / 'clip'}", f"hf:{tmp_path / 'clap'}"]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", env=os.environ | {"HF_HUB_OFFLINE": "1"})
    assert result.returncode == 1, result.stderr
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in result.stdout.splitlines() if line[:1] == "|"]
    head, _, *rows = (dict(zip(lines[0], line, strict=True)) for line in lines)
    assert list(head)[:4] == ["name", "version", "licence", "output"]
    words = f"{2 + len(everyday(['dog barks', 'bell']))} texts of 8 and 8"
    assert [row["output"] for row in rows] == ["5 x 5 x 96", "4 x 4 x 16", "", "16", words]
    assert [row["licence"] for row in rows] == ["apache-2.0", "not stated", "", "mit", "not stated, not stated"]
    assert [bool(row["trouble"]) for row in rows] == [False, False, True, False, False]
    assert all(float(row["moves"]) > 0.01 for row in rows[:-1] if not row["trouble"])
    assert "there is no such folder here" in rows[2]["trouble"]
