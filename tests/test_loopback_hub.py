"""The hub of the tests gives and takes what the real client asks of it; what the client does then is its own affair."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import RepositoryNotFoundError

FILES = {"videos/dog.mp4": bytes(range(256)) * 200, "videos/rain.mp4": b"rain" * 9000, "splits/test.txt": b"dog\n"}


def downloads(hub, path):
    """Requests for the content of a file."""
    return [line for line in hub.requests if line.startswith("GET ") and f"/{path}" in line]


def test_a_data_set_there_and_back(hub, tmp_path):
    for path, content in FILES.items():
        (tmp_path / "data" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / path).write_bytes(content)
    api = HfApi()
    api.create_repo("ann/clips", repo_type="dataset", private=True)
    api.upload_folder(repo_id="ann/clips", repo_type="dataset", folder_path=tmp_path / "data")
    assert hub.files("ann/clips", kind="dataset").items() >= FILES.items()
    copy = Path(snapshot_download("ann/clips", repo_type="dataset", local_dir=tmp_path / "copy"))
    assert {path: (copy / path).read_bytes() for path in FILES} == FILES
    with pytest.raises(RepositoryNotFoundError):
        api.dataset_info("ann/clips", token="token-of-bob")


def test_a_transfer_that_breaks_off_goes_on_where_it_was(hub, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hub.add("ann/clips", FILES, kind="dataset")
    hub.cuts["videos/dog.mp4"] = [20_000, 10_000]
    folder = Path(snapshot_download("ann/clips", repo_type="dataset"))
    assert {path: (folder / path).read_bytes() for path in FILES} == FILES
    assert [line.split()[2:] for line in downloads(hub, "videos/dog.mp4")] == [[], ["bytes=20000-"], ["bytes=30000-"]]


def test_after_a_download_that_failed_only_what_is_missing_is_fetched(hub, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hub.add("ann/clips", FILES, kind="dataset")
    hub.cuts["videos/dog.mp4"] = [0] * 6  # as often as the client tries
    with pytest.raises(Exception, match="incomplete|peer closed"):
        snapshot_download("ann/clips", repo_type="dataset", max_workers=1)
    hub.requests.clear()
    folder = Path(snapshot_download("ann/clips", repo_type="dataset"))
    assert (folder / "videos/dog.mp4").read_bytes() == FILES["videos/dog.mp4"]
    assert len(downloads(hub, "videos/dog.mp4")) == 1
    assert len(downloads(hub, "")) - len(downloads(hub, "api")) <= 3
