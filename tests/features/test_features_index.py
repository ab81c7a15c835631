from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmin.features.index import Entry, Index, _line, fitting
from dmin.files import StoreWriteError

SEA = Entry(10, 9.8, 512, "abc", ("12-34",))


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index")


@given(
    video_id=st.text(min_size=1),
    source=st.text(),
    seconds=st.integers(1, 10**6),
    duration=st.floats(0.0, 1e6),
    stamps=st.lists(st.from_regex(r"[0-9]+-[0-9]+", fullmatch=True), max_size=2, unique=True),
)
def test_lines_hold_any_entry(tmp_path_factory, video_id, source, seconds, duration, stamps):
    index = Index(tmp_path_factory.mktemp("store") / "index")
    entry = Entry(seconds, duration, 99, source, tuple(stamps))
    index.add([(video_id, entry)])
    assert fitting(index.read({video_id})[video_id], 99) == entry


def test_ids_that_are_not_utf_8(index: Index) -> None:
    video_id = os.fsdecode(b"caf\xe9")
    index.add([(video_id, SEA)])
    assert list(index.read({video_id})) == [video_id]


def test_only_what_is_wanted_is_kept(index: Index) -> None:
    index.add([("sea", SEA), ("dog", SEA)])
    assert list(index.read({"dog", "cat"})) == ["dog"]
    assert Index(index.folder / "none").read({"dog"}) == {}


def test_an_entry_is_for_a_file_of_its_size(index: Index) -> None:
    index.add([("sea", SEA)])
    index.add([("sea", Entry(20, 20.0, 1024, "abc"))])
    lines = index.read({"sea"})["sea"]
    assert fitting(lines, 512) == SEA
    assert fitting(lines, 1024) == Entry(20, 20.0, 1024, "abc")
    assert fitting(lines, 513) is None
    assert fitting(b"", 512) is None


def test_lengths_that_contradict_each_other_are_none(index: Index) -> None:
    index.add([("sea", SEA), ("sea", Entry(11, 9.8, 512, "abc"))])
    assert fitting(index.read({"sea"})["sea"], 512) is None


def test_stamps_of_one_source_add_up(index: Index) -> None:
    index.add([("sea", SEA)])
    index.add([("sea", Entry(10, 9.8, 512, "abc", ("12-99",)))])
    assert fitting(index.read({"sea"})["sea"], 512) == Entry(10, 9.8, 512, "abc", ("12-34", "12-99"))


def test_damaged_lines_are_passed_over(index: Index) -> None:
    index.add([("sea", SEA)])
    (file,) = index.folder.iterdir()
    whole = file.read_bytes()
    for damaged in (b"sea\tten\t9.8\t512\tabc\t\n", b"sea\t10\n", b"\xff\x00\n", b"\n", b"sea\t10\t9.8\t512\t\xff\t\n"):
        file.write_bytes(damaged + whole)
        assert fitting(index.read({"sea"})["sea"], 512) == SEA


def test_a_full_disk_is_a_sentence(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StoreWriteError, match=r"cannot write .*index.*tsv: No space left on device"):
        index.add([("sea", SEA)])


def test_many_files_that_nobody_writes_to_become_one(index: Index) -> None:
    index.folder.mkdir()
    for number in range(300):
        path = index.folder / f"writer{number}.tsv"
        path.write_bytes(_line(f"clip{number}", SEA) + b"cut off")
        if number < 290:
            os.utime(path, (time.time() - 7200,) * 2)
    ids = {f"clip{number}" for number in range(300)}
    before = index.read(ids)
    index.merge()
    assert len(list(index.folder.iterdir())) == 11
    assert index.read(ids) == before
    index.merge()  # few now
    assert len(list(index.folder.iterdir())) == 11
