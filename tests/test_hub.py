"""Models of a hub: fetched once, of any revision, and everything that can go wrong as one sentence."""

from __future__ import annotations

import socket
import time

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.utils import are_progress_bars_disabled

from dmin.errors import ModelError
from dmin.models import DMIN
from dmin.models.pretrained import folder_of
from models.systems_tiny import tiny_network


@pytest.fixture
def network():
    return tiny_network("dmin", "full").eval()


@pytest.fixture
def files(network, tmp_path):
    """The files of a saved network, and one that is not of it."""
    network.save_pretrained(tmp_path / "saved")
    return {path.name: path.read_bytes() for path in (tmp_path / "saved").iterdir()} | {"notes.json": b"{}"}


def test_a_network_of_the_hub(hub, network, files, capfd):
    hub.add("ann/net", files)
    again = DMIN.from_pretrained("ann/net")
    assert again.config == network.config
    assert all(torch.equal(one, other) for one, other in zip(network.parameters(), again.parameters(), strict=True))
    assert not [line for line in hub.requests if "notes.json" in line]
    assert capfd.readouterr() == ("", "")
    assert not are_progress_bars_disabled()


def test_a_revision_is_a_branch_or_a_commit(hub, files):
    first = hub.add("ann/net", files)
    other = tiny_network("dmin", "full", width=8)
    other.save_pretrained(folder := folder_of("ann/net").parents[3] / "other")
    hub.add("ann/net", {path.name: path.read_bytes() for path in folder.iterdir()}, branch="v2")
    hub.add("ann/net", {path.name: path.read_bytes() for path in folder.iterdir()})
    assert [DMIN.from_pretrained("ann/net", revision=name).config.width for name in ("v2", first, "main")] == [8, 16, 8]
    assert DMIN.from_pretrained("ann/net").config.width == 8
    with pytest.raises(
        ModelError, match="'ann/net' is no folder here, and the hub has no revision 'v3' of it: give one"
    ):
        DMIN.from_pretrained("ann/net", revision="v3")


def test_a_folder_has_no_revision(tmp_path):
    with pytest.raises(ModelError, match="got revision 'v2' of .*, which is a folder: only models of the hub have any"):
        DMIN.from_pretrained(tmp_path, revision="v2")


def test_after_the_first_time_no_hub_is_needed(hub, network, files, monkeypatch):
    hub.add("ann/net", files)
    DMIN.from_pretrained("ann/net")
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert DMIN.from_pretrained("ann/net").config == network.config
    with pytest.raises(ModelError, match=r"'ann/other' is no folder here, and it is not in the cache.*HF_HUB_OFFLINE"):
        DMIN.from_pretrained("ann/other")
    assert hub.requests == []


def test_a_hub_that_cannot_be_reached(hub, network, files, monkeypatch):
    hub.add("ann/net", files)
    DMIN.from_pretrained("ann/net")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert DMIN.from_pretrained("ann/net").config == network.config
        with pytest.raises(
            ModelError, match=r"the hub at http.* cannot be reached, or breaks off \(ConnectError: .*\): try"
        ):
            DMIN.from_pretrained("ann/other")


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        (
            "token-of-ann",
            None,
            "the hub has no such repository, or does not show it to you: check the name, or run `hf",
        ),
        (None, None, "the hub has no such repository, or does not show it to you"),
        ("stolen", None, "the hub does not accept your token: run `hf auth login`, or mend HF_TOKEN"),
        ("token-of-ann", 403, "the hub does not permit it to your account or token"),
        ("token-of-ann", 500, "the hub answers with status 500: try again later"),
        ("token-of-ann", 418, r"the hub refuses it \(.*out of order.*\): mend that, and try again"),
    ],
)
def test_a_hub_that_does_not_give_it(hub, monkeypatch, tmp_path, token, status, message):
    hub.add("bob/secret", {"config.json": b"{}"}, private=True)
    hub.use(monkeypatch, tmp_path, token)
    hub.status = status
    with pytest.raises(ModelError, match=f"'bob/secret' is no folder here, and {message}") as refusal:
        DMIN.from_pretrained("bob/secret")
    assert "\n" not in str(refusal.value)


def test_a_transfer_that_breaks_off(hub, network, files, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    hub.add("ann/net", files)
    hub.cuts["model.safetensors"] = [0] * 6
    with pytest.raises(
        ModelError, match="'ann/net' is no folder here, and the hub at .* cannot be reached, or breaks off"
    ):
        DMIN.from_pretrained("ann/net")
    hub.cuts["model.safetensors"] = [2000]
    assert DMIN.from_pretrained("ann/net").config == network.config
    assert hub.requests[-1].endswith("/model.safetensors bytes=2000-")
