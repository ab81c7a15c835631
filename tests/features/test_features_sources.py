from __future__ import annotations

from pathlib import Path

import pytest

from dmin.errors import DataError
from dmin.features import find_videos


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_a_plain_folder(tmp_path: Path) -> None:
    touch(tmp_path / "b.mp4", tmp_path / "a.MOV", tmp_path / "c.txt", tmp_path / "._b.mp4", tmp_path / "deep" / "d.mp4")
    assert find_videos(tmp_path) == {"a": tmp_path / "a.MOV", "b": tmp_path / "b.mp4"}


def test_a_data_set_folder(tmp_path: Path) -> None:
    touch(tmp_path / "videos" / "b.mkv", tmp_path / "trailer.mp4")
    assert find_videos(str(tmp_path)) == {"b": tmp_path / "videos" / "b.mkv"}


def test_one_file_or_several_of_any_suffix() -> None:
    assert find_videos("x/a.dat") == {"a": Path("x/a.dat")}
    assert list(find_videos(["b.mp4", "a.mp4"])) == ["a", "b"]


def test_two_videos_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"two videos share the id 'a': x/a.mp4 and y/a.mp4; rename one of them"):
        find_videos(["y/a.mp4", "x/a.mp4"])


def test_nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"no video in .*: known suffixes are \.mp4, "):
        find_videos(tmp_path)

    def locked(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", locked)
    with pytest.raises(DataError, match=r"cannot read the folder .*: Permission denied"):
        find_videos(tmp_path)
