"""`dmin data get` against a hub on the loopback: whole, broken off and gone on with, failures in a sentence."""

from __future__ import annotations

import errno
import io
import time
import zipfile
from pathlib import Path

import huggingface_hub.file_download
import pytest
from huggingface_hub import constants

from dmin.cli.commands import run
from dmin.errors import DataError
from dmin.lab.benchmarks.getting import SOURCES, unpack

LINES = "".join(f"Bell&clip{i}&good&{i}&10\n" for i in range(4))
CARD = b"---\nlicense: cc-by-4.0\n---\n# AVE\n"


def archive(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        for name, content in files.items():
            opened.writestr(f"AVE/{name}.mp4", content)
    return held.getvalue()


VIDEOS = {f"clip{i}": bytes([i]) * 5000 for i in range(4)}
FILES = {
    "Annotations.txt": LINES.encode(),
    "trainSet.txt": LINES.splitlines()[0].encode(),
    "valSet.txt": LINES.splitlines()[1].encode(),
    "testSet.txt": "\n".join(LINES.splitlines()[2:]).encode(),
    "AVE.zip": archive(**VIDEOS),
    "README.md": CARD,
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


@pytest.fixture
def get(hub, tmp_path):
    hub.add("ann/ave", FILES, kind="dataset")

    def get(*more: str) -> int:
        return run(["data", "get", "ave", "--out", str(tmp_path / "ave"), "--from", "ann/ave", *more])

    return get


def there(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES if name != "README.md" and (folder / name).is_file()}


WANTED = {name: content for name, content in FILES.items() if name != "README.md"}


def test_fetched_unpacked_and_checked(get, tmp_path, capsys):
    assert get() == 0
    captured = capsys.readouterr()
    assert "licence, as its card states it: cc-by-4.0" in captured.err
    assert "What is there agrees." in captured.out
    assert there(tmp_path / "ave") == WANTED
    assert {path.stem: path.read_bytes() for path in (tmp_path / "ave" / "AVE").iterdir()} == VIDEOS


def sentence(capsys) -> str:
    (said,) = capsys.readouterr().err.strip().splitlines()
    return said


def fetched(hub) -> list[str]:
    """Files whose content was asked for, with the range."""
    lines = [line.split() for line in hub.requests if line.startswith("GET ") and "/resolve/" in line]
    return [" ".join([path.rsplit("/", 1)[-1], *ranges]) for _, path, *ranges in lines]


def test_a_transfer_that_breaks_off_goes_on_where_it_was(get, hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.cuts["AVE.zip"] = [7000, 3000]
    assert get() == 0
    assert there(tmp_path / "ave") == WANTED
    assert [name for name in fetched(hub) if "zip" in name] == [
        "AVE.zip",
        "AVE.zip bytes=7000-",
        "AVE.zip bytes=10000-",
    ]


def test_given_up_and_called_again_gives_the_same_bytes_and_fetches_only_what_is_missing(get, hub, tmp_path, capsys):
    hub.cuts["AVE.zip"] = [7000, *[0] * 6]  # as often as the client tries
    assert get("--quiet") == 1
    said = sentence(capsys)
    assert said.startswith("dmin: the data set 'ann/ave' was not fetched: the hub at http://127.0.0.1")
    assert "breaks off" in said
    assert said.endswith(": try again")
    before = there(tmp_path / "ave")
    assert "AVE.zip" not in before
    hub.cuts.clear()
    hub.requests.clear()
    assert get() == 0
    assert there(tmp_path / "ave") == WANTED
    assert sorted(set(fetched(hub)) - {"README.md"}) == sorted(WANTED.keys() - before.keys())


def test_what_is_whole_is_not_fetched_or_unpacked_again(get, hub, tmp_path):
    assert get() == 0
    video = tmp_path / "ave" / "AVE" / "clip1.mp4"
    times = video.stat().st_mtime_ns
    (tmp_path / "ave" / "AVE" / "clip2.mp4").write_bytes(b"half")  # as a stopped run leaves it
    hub.requests.clear()
    assert get() == 0
    assert fetched(hub) == []
    assert video.stat().st_mtime_ns == times
    assert (tmp_path / "ave" / "AVE" / "clip2.mp4").read_bytes() == VIDEOS["clip2"]


def test_another_revision(get, hub, tmp_path):
    hub.add("ann/ave", FILES | {"Annotations.txt": LINES.replace("Bell", "Dog").encode()}, kind="dataset", branch="v2")
    get("--revision", "v2")
    assert (tmp_path / "ave" / "Annotations.txt").read_text().startswith("Dog&clip0")


def test_another_revision_with_files_of_the_same_names_and_sizes(get, hub, tmp_path):
    assert get() == 0
    videos = VIDEOS | {"clip1": b"new" * 1666 + b"ed"}
    hub.add("ann/ave", FILES | {"AVE.zip": archive(**videos)}, kind="dataset", branch="v2")
    assert get("--revision", "v2") == 0
    assert {path.stem: path.read_bytes() for path in (tmp_path / "ave" / "AVE").iterdir()} == videos


def test_out_that_is_a_file(tmp_path, capsys):
    (tmp_path / "v.mp4").write_bytes(b"video")
    for out in (tmp_path / "v.mp4", tmp_path / "v.mp4" / "ave"):
        assert run(["data", "get", "ave", "--out", str(out)]) == 2
        assert sentence(capsys) == f"dmin: --out is {out}, and {tmp_path / 'v.mp4'} is a file: give a folder"


def test_a_revision_that_is_not_there(get, capsys):
    assert get("--revision", "v9") == 1
    assert sentence(capsys) == (
        "dmin: the data set 'ann/ave' was not fetched: the hub has no revision 'v9' of it: give one of its branches or "
        "tags, or a commit"
    )


def test_a_repository_that_is_not_there(get, capsys):
    assert get("--from", "ann/none") == 1
    assert sentence(capsys).startswith(
        "dmin: the data set 'ann/none' was not fetched: the hub has no such repository, or does not show it to you: "
    )
    assert get("--from", "none") == 1
    assert sentence(capsys) == (
        f"dmin: got 'none' as the repository: must be owner/name, e.g. {SOURCES['ave'].repository}"
    )


def test_a_name_that_is_not_known_and_no_place_to_go_to(capsys):
    assert run(["data", "get", "avee", "--out", "x"]) == 1
    assert sentence(capsys) == "dmin: unknown data set 'avee': did you mean 'ave'? Known: ave"
    assert run(["data", "get", "ave"]) == 2
    assert "--out must be given: the folder for the data set" in sentence(capsys)


def test_a_full_disk_while_fetching(get, monkeypatch, capsys, tmp_path):
    whole = huggingface_hub.file_download.http_get

    def full(url, temp_file, **options):
        if "AVE.zip" in url:
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(url, temp_file, **options)

    monkeypatch.setattr(huggingface_hub.file_download, "http_get", full)
    assert get("--quiet") == 1
    assert sentence(capsys) == (
        "dmin: the data set 'ann/ave' was not fetched: this machine's disk does not take it (No space left on device): "
        "mend that, and the same command goes on"
    )
    monkeypatch.setattr(huggingface_hub.file_download, "http_get", whole)
    assert get() == 0
    assert there(tmp_path / "ave") == WANTED


def test_a_full_disk_while_unpacking(get, monkeypatch, capsys, tmp_path):
    def full(self, member, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "extract", full)
        assert get("--quiet") == 1
    assert "AVE.zip cannot be unpacked: this machine's disk does not take it (No space" in sentence(capsys)
    assert get() == 0
    assert len(list((tmp_path / "ave" / "AVE").iterdir())) == 4


def test_a_card_without_a_licence_and_none_at_all(hub, tmp_path, capsys):
    hub.add("ann/bare", {name: content for name, content in FILES.items() if name != "README.md"}, kind="dataset")
    words = ["data", "get", "ave", "--from", "ann/bare", "--out", str(tmp_path / "ave")]
    assert run(words) == 0
    assert "licence, as its card states it: none stated" in capsys.readouterr().err
    hub.add("ann/bare", {"README.md": b"# AVE\n"}, kind="dataset")
    assert run(words) == 0
    assert "licence, as its card states it: none stated" in capsys.readouterr().err


def changed(content: bytes, place: int, value: bytes) -> bytes:
    return content[:place] + value + content[place + len(value) :]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compressed_archive_that_is_damaged_is_told(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as opened:
        opened.writestr("a.mp4", bytes(range(256)) * 20)
    whole = (tmp_path / "a.zip").read_bytes()
    words = r"a.zip is damaged .*: remove it, and the same command fetches it again"
    for place in range(35, 50, 3):  # the compressed bytes begin at 35
        (tmp_path / "a.zip").write_bytes(changed(whole, place, b"\xff" * 6))
        with pytest.raises(DataError, match=words):
            unpack(tmp_path)
        (tmp_path / "a.mp4").unlink(missing_ok=True)


def test_an_archive_of_an_unknown_compression_or_an_encrypted_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr("a.mp4", b"video")
    whole = (tmp_path / "a.zip").read_bytes()
    entry = whole.index(b"PK\x01\x02")
    (tmp_path / "a.zip").write_bytes(changed(changed(whole, 8, b"\x63"), entry + 10, b"\x63"))
    with pytest.raises(DataError, match=r"a.zip is damaged \(That compression method is not supported\): remove it"):
        unpack(tmp_path)
    (tmp_path / "a.zip").write_bytes(changed(changed(whole, 6, b"\x01"), entry + 8, b"\x01"))
    with pytest.raises(DataError, match=r"a.zip is encrypted: unpack it in its folder with its password"):
        unpack(tmp_path)


def test_a_damaged_archive_and_one_that_would_write_elsewhere(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match=r"a.zip is damaged .*: remove it, and the same command fetches it again"):
        unpack(tmp_path)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr("../../outside.mp4", b"video")
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    (tmp_path / "a.zip").rename(inside / "a.zip")
    assert unpack(tmp_path) == (inside / "a.zip",)
    assert (inside / "outside.mp4").is_file()
    assert not (tmp_path / "outside.mp4").exists()
