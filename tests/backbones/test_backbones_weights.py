"""Where the audio backbone's weights come from when the package aisfx is not installed. Nothing is fetched here."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from dmin.backbones import weights
from dmin.backbones.weights import AISFX, aisfx_checkpoint, cache_folder, check_sha256
from dmin.errors import ModelError

CONTENT = b"the weights"
BY_HAND = r"could not be fetched: run `pip install --no-deps aisfx==0\.1\.2` where there is a network"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class TestSha256:
    def test_the_right_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.pth").write_bytes(CONTENT)
        check_sha256(tmp_path / "a.pth", sha256(CONTENT))

    def test_another_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.pth").write_bytes(b"other")
        with pytest.raises(
            ModelError,
            match=rf"a\.pth is not the expected file \(sha256 {sha256(b'other')}, expected {sha256(CONTENT)}\)",
        ):
            check_sha256(tmp_path / "a.pth", sha256(CONTENT))
        (tmp_path / "a.pth").write_bytes(CONTENT)  # replaced as told
        check_sha256(tmp_path / "a.pth", sha256(CONTENT))

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"cannot read the weights .*none\.pth: No such file or directory"):
            check_sha256(tmp_path / "none.pth", sha256(CONTENT))


class TestCacheFolder:
    def test_variables(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        monkeypatch.setenv("DMIN_CACHE", str(tmp_path / "mine"))
        assert cache_folder() == tmp_path / "mine"
        monkeypatch.setenv("DMIN_CACHE", "")
        assert cache_folder() == tmp_path / "xdg" / "dmin"
        monkeypatch.delenv("DMIN_CACHE")
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert cache_folder() == tmp_path / "home" / ".cache" / "dmin"


class Installer:
    """Stands for the installer: remembers its commands, and does what it is told at each."""

    def __init__(self, *answers: Callable[[Path], int]) -> None:
        self.answers = list(answers)
        self.commands: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> int:
        self.commands.append(list(command))
        return self.answers.pop(0)(Path(command[command.index("--target") + 1]))


def succeed(folder: Path) -> int:
    (folder / "aisfx" / "models").mkdir(parents=True)
    (folder / "aisfx" / "models" / "checkpoint.pth").write_bytes(CONTENT)
    (folder / "aisfx" / "__init__.py").write_text("raise RuntimeError('this must never be run')")
    return 0


def fail(folder: Path) -> int:
    return 1


def claim(folder: Path) -> int:
    """Say that all went well, and leave nothing."""
    return 0


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without aisfx, with pip and uv, whose cache is empty."""

    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(weights, "distribution", missing)
    monkeypatch.setattr(weights, "_AISFX_SHA256", sha256(CONTENT))
    monkeypatch.setattr(weights, "find_spec", lambda name: object())
    monkeypatch.setattr(weights.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setenv("DMIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class TestCheckpoint:
    def test_of_the_installed_package(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        class Installed:
            def locate_file(self, name: str) -> Path:
                return tmp_path / name

        succeed(tmp_path)
        monkeypatch.setattr(weights, "distribution", lambda name: Installed())
        monkeypatch.setattr(weights, "_AISFX_SHA256", sha256(CONTENT))
        assert aisfx_checkpoint(Installer()) == tmp_path / "aisfx" / "models" / "checkpoint.pth"

    def test_fetched_once(self, cache: Path) -> None:
        installer = Installer(succeed)
        path = aisfx_checkpoint(installer)
        assert path == cache / "aisfx-0.1.2.pth"
        assert path.read_bytes() == CONTENT
        [command] = installer.commands
        target = command[-2]
        assert command == [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, AISFX,
        ]  # fmt: skip
        assert Path(target).parent == cache  # so that the file is moved within one file system
        assert list(cache.iterdir()) == [path]  # nothing else is kept
        assert aisfx_checkpoint(Installer()) == path

    @pytest.mark.parametrize("first", [fail, claim])
    def test_the_second_installer(self, cache: Path, first: Callable[[Path], int]) -> None:
        installer = Installer(first, succeed)
        aisfx_checkpoint(installer)
        assert [command[:3] for command in installer.commands] == [
            [sys.executable, "-m", "pip"],
            ["uv", "pip", "install"],
        ]

    @pytest.mark.parametrize("answer", [fail, claim])
    def test_no_network(self, cache: Path, answer: Callable[[Path], int]) -> None:
        with pytest.raises(ModelError, match=f"the weights of the audio backbone sfx {BY_HAND}"):
            aisfx_checkpoint(Installer(answer, answer))
        assert list(cache.iterdir()) == []

    @pytest.mark.parametrize(("pip", "uv"), [(True, False), (False, True), (False, False)])
    def test_only_installers_that_are_there(
        self, cache: Path, monkeypatch: pytest.MonkeyPatch, pip: bool, uv: bool
    ) -> None:
        monkeypatch.setattr(weights, "find_spec", lambda name: object() if pip else None)
        monkeypatch.setattr(weights.shutil, "which", lambda name: "/usr/bin/uv" if uv else None)
        installer = Installer(fail, fail)
        with pytest.raises(ModelError, match=BY_HAND):
            aisfx_checkpoint(installer)
        assert [command[0] for command in installer.commands] == [sys.executable] * pip + ["uv"] * uv

    def test_another_content(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(weights, "_AISFX_SHA256", sha256(b"other"))
        with pytest.raises(ModelError, match=r"aisfx-0\.1\.2\.pth is not the expected file .*: delete it, try again"):
            aisfx_checkpoint(Installer(succeed))

    def test_a_cache_that_cannot_be_written(self, cache: Path) -> None:
        cache.write_text("a file, not a folder")
        with pytest.raises(
            ModelError,
            match=r"sfx could not be kept as .*cache/aisfx-0\.1\.2\.pth \(.*\): set DMIN_CACHE to a folder that can be",
        ):
            aisfx_checkpoint(Installer(succeed))

    def test_the_command_is_really_run(self) -> None:
        assert weights._run([sys.executable, "-c", "raise SystemExit(3)"]) == 3
