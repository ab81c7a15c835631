from __future__ import annotations

import os
from pathlib import Path

import pytest

from dmin.errors import DataError
from dmin.features import find_videos


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_a_plain_folder(tmp_path: Path) -> None:
    touch(tmp_path / "b.mp4", tmp_path / "a.MOV", tmp_path / "c.txt", tmp_path / "._b.mp4")
    assert find_videos(tmp_path) == {"a": tmp_path / "a.MOV", "b": tmp_path / "b.mp4"}


def test_ids_name_the_folders_on_the_way(tmp_path: Path) -> None:
    nested = tmp_path / "day" / "1.2" / "a.b.mp4"
    touch(tmp_path / "a.mp4", tmp_path / "day" / "a.mp4", nested, tmp_path / ".trash" / "c.mp4")
    (tmp_path / "day" / "again").symlink_to(tmp_path)  # a loop
    (tmp_path / "folder.mp4").mkdir()
    assert find_videos(tmp_path) == {
        "a": tmp_path / "a.mp4",
        "day/a": tmp_path / "day" / "a.mp4",
        "day/1.2/a.b": nested,
    }
    touch(tmp_path / "day" / "a.mkv")
    with pytest.raises(DataError, match="two videos share the id 'day/a': .*day/a.mkv and .*day/a.mp4; rename"):
        find_videos(tmp_path)


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

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(DataError, match=r"cannot read the folder .*: Permission denied"):
        find_videos(tmp_path)
