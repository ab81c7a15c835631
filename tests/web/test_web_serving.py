from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from dmin.errors import DminError

pytest.importorskip("gradio", reason="the extra web is not installed")


def upload(address: str, name: str, content: bytes) -> str:
    body = (
        f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: video/mp4\r\n\r\n'
    ).encode()
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(f"{address}gradio_api/upload", body + content + b"\r\n--x--\r\n", kind)
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)[0])


def test_without_a_model_for_matching_the_tab_says_how_to_get_one(serve, models) -> None:
    with urllib.request.urlopen(serve(models=models / "bells")) as answer:
        assert "dmin train STORE --preset a2v-small" in answer.read().decode()


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "{kept}/../secret.txt", "{kept}", "http://127.0.0.1:1/", "pyproject.toml"]
)
def test_nothing_outside_the_folder_is_served(path, serve, tmp_path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    address = serve()
    wanted = urllib.parse.quote(path.format(kept=tmp_path / "kept"), safe="")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{address}gradio_api/file={wanted}")
    assert refusal.value.code in (400, 403, 404)


def test_names_of_uploads_cannot_leave_the_folder(serve, tmp_path) -> None:
    path = upload(serve(), "../../evil.mp4", b"video")
    assert Path(path).resolve().is_relative_to(tmp_path / "kept")
    assert not list(tmp_path.glob("evil*"))


def test_a_file_that_is_too_large_is_refused(serve) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        upload(serve(max_megabytes=1), "large.mp4", bytes(2_000_000))
    assert refusal.value.code == 413


def test_uploads_are_deleted_after_their_time(serve) -> None:
    path = Path(upload(serve(keep_hours=1 / 3600), "old.mp4", b"video"))
    assert path.exists()
    for _ in range(100):
        if not path.exists():
            break
        time.sleep(0.1)
    assert not path.exists()


def test_only_this_machine_can_open_it_unless_asked(serve) -> None:
    assert serve().startswith("http://127.0.0.1:")


def test_a_taken_port_is_one_sentence(serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DminError, match=f"cannot listen on 127.0.0.1 port {port}: try --port 0"):
            serve(port=port)


@pytest.mark.parametrize("option", [{"port": 70_000}, {"at_once": 0}, {"max_minutes": 0}, {"keep_hours": -1}])
def test_impossible_settings_are_refused(option) -> None:
    from dmin.web.settings import ServeSettings

    with pytest.raises(DminError, match=f"{next(iter(option))} is .*: must be"):
        ServeSettings(**option)


def test_an_address_that_is_not_of_this_machine_is_refused(serve) -> None:
    with pytest.raises(DminError, match=r"cannot listen on 192\.0\.2\.1 .*: give an address of this machine"):
        serve(host="192.0.2.1")  # reserved for documentation


def test_a_folder_that_cannot_be_made_is_refused(serve, tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DminError, match=r"cannot create the folder .*file: File exists"):
        serve(folder=tmp_path / "file")
