"""Downloads from a server on this machine that is cut off, sends something else, or is not there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from urllib.error import URLError

import pytest
from backbones_server import Answer, Server, cut_after, ignore_range, redirect, refuse, well, without_length

from dmin.backbones import Backbone, Card, create, downloads, fetch, register, registry
from dmin.backbones.downloads import Download
from dmin.errors import ModelError

CONTENT = bytes(range(256)) * 12_000  # 3 MB
DIGEST = hashlib.sha256(CONTENT).hexdigest()
Serve = Callable[..., Server]


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("DMIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(*answers: Answer, content: bytes = CONTENT) -> Server:
        servers.append(Server(content, *answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def at(server: Server) -> Download:
    return Download("weights.pth", server.url, "sha256", DIGEST, megabytes=3)


def leave_part(cache: Path, content: bytes) -> None:
    """As a download does that was stopped."""
    cache.mkdir()
    (cache / "weights.pth.part").write_bytes(content)


def files(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


class TestFetch:
    def test_once(self, cache: Path, serve: Serve) -> None:
        server = serve()
        path = at(server).fetch()
        assert path == at(server).path == cache / "weights.pth"
        assert path.read_bytes() == CONTENT
        assert files(cache) == ["weights.pth"]
        assert at(server).fetch() == path
        assert server.starts == [0]

    def test_by_md5(self, cache: Path, serve: Serve) -> None:
        download = Download("a.h5", serve().url, "md5", hashlib.md5(CONTENT).hexdigest(), megabytes=3)
        assert download.fetch().read_bytes() == CONTENT

    def test_put_there_by_hand(self, cache: Path) -> None:
        cache.mkdir()
        (cache / "weights.pth").write_bytes(CONTENT)
        assert Download("weights.pth", "http://nowhere.invalid", "sha256", DIGEST, 3).fetch() == cache / "weights.pth"

    def test_progress(self, cache: Path, serve: Serve) -> None:
        reports: list[tuple[str, int, int | None]] = []
        at(serve()).fetch(lambda *report: reports.append(report))
        assert {report[0] for report in reports} == {"download weights.pth (MB)"}
        assert {report[2] for report in reports} == {4}  # 3.07, rounded up
        done = [report[1] for report in reports]
        assert done[0] == 0
        assert done == sorted(done)
        assert done[-1] == 3

    def test_of_unknown_length(self, cache: Path, serve: Serve) -> None:
        totals: set[int | None] = set()
        at(serve(without_length)).fetch(lambda step, completed, total: totals.add(total))
        assert totals == {None}

    def test_two_at_once(self, cache: Path, serve: Serve) -> None:
        both_asked = Event()

        def slowly(request, content, start):
            both_asked.wait(5)
            well(request, content, start)

        server = serve(slowly)
        with ThreadPoolExecutor(2) as pool:
            results = [pool.submit(at(server).fetch) for _ in range(2)]
            both_asked.set()
            assert {result.result() for result in results} == {cache / "weights.pth"}
        assert server.starts == [0]


class TestResume:
    def test_after_a_cut(self, cache: Path, serve: Serve) -> None:
        server = serve(cut_after(1_000_000), cut_after(500_000), well)
        assert at(server).fetch().read_bytes() == CONTENT
        assert server.starts == [0, 1_000_000, 1_500_000]

    def test_of_an_earlier_run(self, cache: Path, serve: Serve) -> None:
        leave_part(cache, CONTENT[:2_000_000])
        server = serve()
        assert at(server).fetch().read_bytes() == CONTENT
        assert server.starts == [2_000_000]
        assert files(cache) == ["weights.pth"]

    def test_through_a_redirection(self, cache: Path, serve: Serve) -> None:
        leave_part(cache, CONTENT[:2_000_000])
        server = serve(redirect, well)
        assert at(server).fetch().read_bytes() == CONTENT
        assert server.starts == [2_000_000, 2_000_000]

    def test_where_ranges_are_refused(self, cache: Path, serve: Serve) -> None:
        leave_part(cache, CONTENT[:2_000_000])
        server = serve(ignore_range())
        assert at(server).fetch().read_bytes() == CONTENT
        assert server.starts == [2_000_000]

    def test_of_what_is_whole_already(self, cache: Path, serve: Serve) -> None:
        leave_part(cache, CONTENT)
        assert at(serve()).fetch().read_bytes() == CONTENT

    @pytest.mark.parametrize("part", [b"<html>log in to this network</html>", CONTENT + b"more", CONTENT[1:]])
    def test_of_another_files_beginning(self, cache: Path, serve: Serve, part: bytes) -> None:
        leave_part(cache, part)
        server = serve()
        assert at(server).fetch().read_bytes() == CONTENT
        assert server.starts == [len(part), 0]

    def test_a_line_that_is_always_cut_at_the_same_place(self, cache: Path, serve: Serve) -> None:
        server = serve(ignore_range(1_000_000))
        with pytest.raises(ModelError, match=r"\(the connection broke off, 1\.0 MB are here\): try again"):
            at(server).fetch()
        assert files(cache) == ["weights.pth.part"]
        assert len(server.starts) == 2

    def test_a_line_that_brings_nothing(self, cache: Path, serve: Serve) -> None:
        with pytest.raises(ModelError, match=r"the connection broke off, 0\.0 MB are here"):
            at(serve(cut_after(0))).fetch()

    def test_a_later_run_goes_on(self, cache: Path, serve: Serve) -> None:
        server = serve(cut_after(1_000_000), refuse(503), well)
        with pytest.raises(ModelError, match="HTTP status 503, Service Unavailable"):
            at(server).fetch()
        assert (cache / "weights.pth.part").stat().st_size == 1_000_000
        assert at(server).fetch().read_bytes() == CONTENT
        assert server.starts == [0, 1_000_000, 1_000_000]


class TestRefusals:
    def by_hand(self, download: Download) -> str:
        return re.escape(
            "try again, which goes on where it stopped, or download that file where there is a network and put it at "
            f"{download.path} (sha256 {DIGEST})"
        )

    def test_not_found(self, cache: Path, serve: Serve) -> None:
        download = at(serve(refuse(404)))
        with pytest.raises(
            ModelError,
            match=rf"the weights weights\.pth \(3 MB\) could not be downloaded from {download.url} "
            rf"\(HTTP status 404, Not Found\): {self.by_hand(download)}",
        ):
            download.fetch()
        assert files(cache) == []

    def test_nobody_there(self, cache: Path, serve: Serve) -> None:
        server = serve()
        server.close()
        with pytest.raises(ModelError, match=rf"Connection refused\): {self.by_hand(at(server))}"):
            at(server).fetch()

    def test_no_network(self, cache: Path) -> None:
        download = Download("weights.pth", "http://nowhere.invalid/weights.pth", "sha256", DIGEST, 3)
        with pytest.raises(ModelError, match=rf"nowhere\.invalid/weights\.pth \(.+\): {self.by_hand(download)}"):
            download.fetch()

    def test_a_server_that_falls_silent(self, cache: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(downloads, "TIMEOUT_SECONDS", 0.1)
        enough = Event()
        try:
            with pytest.raises(ModelError, match="timed out"):
                at(serve(lambda request, content, start: enough.wait(5))).fetch()
        finally:
            enough.set()

    def test_another_file(self, cache: Path, serve: Serve) -> None:
        server = serve(content=b"<html>log in to this network</html>")
        found = hashlib.sha256(server.content).hexdigest()
        with pytest.raises(
            ModelError,
            match=rf"{server.url} gave another file than expected \(sha256 {found}\): put the right one at "
            rf"{re.escape(str(cache))}/weights\.pth \(sha256 {DIGEST}\)",
        ):
            at(server).fetch()
        assert files(cache) == []

    def test_another_file_in_the_cache(self, cache: Path, serve: Serve) -> None:
        cache.mkdir()
        (cache / "weights.pth").write_bytes(b"other")
        server = serve()
        with pytest.raises(ModelError, match=r"weights\.pth is not the expected file .*: delete it, try again"):
            at(server).fetch()
        (cache / "weights.pth").unlink()
        assert at(server).fetch().read_bytes() == CONTENT

    def test_a_cache_that_cannot_be_written(self, cache: Path, serve: Serve) -> None:
        cache.write_text("a file, not a folder")
        with pytest.raises(
            ModelError,
            match=r"the weights weights\.pth could not be kept as .*cache/weights\.pth \(.*\): set DMIN_CACHE",
        ):
            at(serve()).fetch()


class TestBackbones:
    @pytest.fixture(autouse=True)
    def _registry_as_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        registry.cards()
        monkeypatch.setattr(registry._makers, "_entries", dict(registry._makers))

    def test_fetch_by_a_backbones_name(self, cache: Path, serve: Serve) -> None:
        server = serve()
        words = dict.fromkeys(("input", "version", "source", "licence", "citation"), "none")
        card = Card("mine", "audio", (3,), frames_per_second=0.0, rate_hz=8000, download=at(server), **words)
        register(card)(Backbone)
        steps: set[str] = set()
        fetch("mine", lambda step, completed, total: steps.add(step))
        assert (cache / "weights.pth").read_bytes() == CONTENT
        assert steps == {"download weights.pth (MB)"}

    def test_nothing_to_fetch(self, cache: Path) -> None:
        fetch("lite0")
        assert not cache.exists()

    def test_an_unknown_name(self) -> None:
        with pytest.raises(ModelError, match=r"unknown backbone 'vgg-19': did you mean 'vgg19' or 'vggish'\?"):
            fetch("vgg-19")

    @pytest.mark.parametrize("name", ["vgg19", "vgg19-torchvision", "vggish"])
    def test_the_papers_pair_without_a_network(self, cache: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        def no_network(request, timeout):
            raise URLError(OSError("no network"))

        monkeypatch.setattr(downloads, "urlopen", no_network)
        download = registry.cards()[name].download
        assert download is not None
        with pytest.raises(ModelError) as caught:
            create(name)
        for part in (download.url, str(cache / download.name), download.digest, "no network"):
            assert part in str(caught.value)
