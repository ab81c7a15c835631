from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from dmin import Events
from dmin.media import probe
from dmin.progress import Progress
from web.web_fakes import write_playable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("gradio", reason="the extra web is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH")
SLOW_MS = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as starting:
        browser = starting.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Opens an address as a new visitor."""
    contexts = []

    def go(address: str, model: str | None = "bells") -> Page:
        contexts.append(browser.new_context(viewport={"width": 1200, "height": 900}, accept_downloads=True))
        page = contexts[-1].new_page()
        page.set_default_timeout(SLOW_MS)
        page.goto(address)
        if model:
            page.get_by_label("Model").first.click()
            page.get_by_role("option", name=model, exact=True).click()
        return page

    yield go
    for context in contexts:
        context.close()


def drop(page: Page, video: Path, player: str = "player") -> None:
    page.locator(f"#{player} input[type=file]").set_input_files(video)


def take_away(page: Page) -> None:
    """Close the message that an error leaves on the player, if there is one, and take the video away."""
    while not page.locator("#player input[type=file]").count():
        page.locator("#player").get_by_label("Clear").first.click()
        page.wait_for_timeout(500)


def time_of(page: Page, player: str = "player") -> float:
    return float(page.evaluate(f"document.querySelector('#{player} video').currentTime"))


def test_events_of_a_dropped_video_are_shown_and_play(serve, visit, tmp_path) -> None:
    page = visit(serve())
    drop(page, write_playable(tmp_path / "a b.mp4"))
    page.locator(".dmin-bar").first.wait_for()
    assert page.locator("table tbody tr").count() == page.locator(".dmin-bar").count() >= 1
    page.wait_for_function("document.querySelector('#player video')?.textTracks[0]?.cues?.length > 0")
    # The middle of the curve is the middle of the video.
    page.evaluate("document.querySelector('#player video').muted = true")
    page.locator(".dmin-curve").click()
    page.wait_for_function("document.querySelector('#player video').currentTime >= 2")
    assert time_of(page) < 4
    page.wait_for_function("getComputedStyle(document.querySelector('.dmin-answer')).getPropertyValue('--now') != ''")
    page.locator("table tbody button").first.click()
    page.wait_for_function("document.querySelector('#player video').currentTime < 2")


def test_threshold_decides_anew_while_the_video_stays(serve, visit, tmp_path) -> None:
    page = visit(serve())
    drop(page, write_playable(tmp_path / "a.mp4"))
    page.locator(".dmin-bar").first.wait_for()
    page.evaluate("document.querySelector('#player video').currentTime = 3")
    field = page.get_by_label("number input for Threshold")
    field.fill("0.99")
    field.press("Enter")
    page.get_by_text("no event; nearest:").wait_for()
    assert page.locator(".dmin-bar").count() == 0
    assert time_of(page) == 3
    field.fill("0")
    field.press("Enter")
    page.locator(".dmin-bar").first.wait_for()


def test_the_picture_is_drawn_for_who_opens_it_and_follows_the_threshold(serve, visit, tmp_path) -> None:
    page = visit(serve())
    drop(page, write_playable(tmp_path / "a.mp4"))
    page.locator(".dmin-bar").first.wait_for()
    assert not page.locator("#seen img").count()
    page.get_by_text("What the network saw and heard").click()
    drawn = page.locator("#seen img")
    drawn.wait_for()
    first = drawn.get_attribute("src")
    field = page.get_by_label("number input for Threshold")
    field.fill("0.99")
    field.press("Enter")
    page.wait_for_function("old => document.querySelector('#seen img').src !== old", arg=first)


def test_a_damaged_model_says_so_when_it_is_chosen(serve, visit, models, tmp_path) -> None:
    damaged = tmp_path / "runs" / "bells"
    shutil.copytree(models / "bells", damaged)
    (damaged / "localizer.json").write_text("{}")
    page = visit(serve(models=tmp_path / "runs"))
    page.get_by_text("bells/localizer.json is damaged").wait_for()
    assert not page.get_by_text(str(tmp_path)).count()


def test_a_model_that_fails_leaves_no_answer_of_another(serve, visit, models, tmp_path) -> None:
    shutil.copytree(models, tmp_path / "runs")
    page = visit(serve(models=tmp_path / "runs"))
    drop(page, write_playable(tmp_path / "a.mp4"))
    page.locator(".dmin-bar").first.wait_for()
    (tmp_path / "runs" / "more" / "dogs" / "model.safetensors").write_bytes(b"nothing")
    page.get_by_label("Model").first.click()
    page.get_by_role("option", name="more/dogs", exact=True).click()
    page.get_by_role("button", name="Find events").click()
    page.get_by_text("more/dogs/model.safetensors does not hold the weights").wait_for()
    page.get_by_text("Events show up here").wait_for()
    assert not page.locator(".dmin-bar").count()


def test_downloads_are_whole_and_tell_no_path(serve, visit, tmp_path) -> None:
    page = visit(serve())
    drop(page, write_playable(tmp_path / "mine.mp4"))
    page.locator(".dmin-bar").first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .json").click()
    text = Path(download.value.path()).read_text("utf-8")
    events = Events.from_json(text)
    assert (events.video, events.model, len(events.seconds)) == ("mine.mp4", "bells", 4)
    page.get_by_label("Format").click()
    page.get_by_role("option", name="vtt:").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .vtt").click()
    assert download.value.suggested_filename == "mine.vtt"
    assert Path(download.value.path()).read_text("utf-8").startswith("WEBVTT")


def test_events_are_cut_out(serve, visit, tmp_path) -> None:
    page = visit(serve())
    drop(page, write_playable(tmp_path / "mine.mp4"))
    page.get_by_role("button", name="Cut out the events").click()
    with page.expect_download() as download:
        page.locator("a[download^=mine_]").first.click()
    assert re.fullmatch(r"mine_000\.0-00\d\.\d_(Bell|Dog)\.mp4", download.value.suggested_filename)
    assert probe(download.value.path()).duration_seconds == pytest.approx(4, abs=0.2)


def test_a_bad_file_and_a_long_one_are_refused_and_the_next_one_works(serve, visit, tmp_path) -> None:
    page = visit(serve(max_minutes=0.1))
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 1000)
    drop(page, tmp_path / "bad.mp4")
    message = page.get_by_test_id("toast-body").last
    message.get_by_text("bad.mp4 is not a video").wait_for()
    assert str(tmp_path) not in message.inner_text()
    take_away(page)
    drop(page, write_playable(tmp_path / "long.mp4", seconds=8))
    page.get_by_text("long.mp4 lasts 0.1 minutes: this page takes up to 0.1").wait_for()
    take_away(page)
    drop(page, write_playable(tmp_path / "good.mp4"))
    page.locator(".dmin-bar").first.wait_for()


def test_two_visitors_see_their_own_videos(serve, visit, tmp_path) -> None:
    address = serve()
    pages = [visit(address), visit(address, "more/dogs")]
    for seconds, page in zip((3, 5), pages, strict=True):
        drop(page, write_playable(tmp_path / f"{seconds}.mp4", seconds))
    for seconds, page in zip((3, 5), pages, strict=True):
        page.locator(".dmin-bar").first.wait_for()
        assert round(float(page.locator(".dmin-answer").get_attribute("data-duration") or 0)) == seconds


def test_a_video_taken_away_takes_its_answer_along(serve, visit, tmp_path) -> None:
    page = visit(serve())
    drop(page, write_playable(tmp_path / "a.mp4"))
    page.locator(".dmin-bar").first.wait_for()
    take_away(page)
    page.locator(".dmin-answer").wait_for(state="detached")
    page.get_by_role("button", name="Find events").click()
    page.get_by_text("drop a video first").wait_for()


def test_a_sound_is_found_in_the_picture_and_the_place_plays(serve, visit, tmp_path) -> None:
    page = visit(serve(), None)
    page.get_by_role("tab", name="Match").click()
    page.locator("input[type=file]").last.set_input_files(write_playable(tmp_path / "query.mp4", 2))
    drop(page, write_playable(tmp_path / "inside.mp4", 6), "match-player")
    page.locator("#match-player video").wait_for()
    page.get_by_role("button", name="Find the place").click()
    page.get_by_text("Best place:").wait_for()
    best = page.locator(".dmin-answer tbody tr").first
    assert best.inner_text().startswith("best place")
    start = float(best.get_attribute("data-start") or -1)
    page.evaluate("document.querySelector('#match-player video').muted = true")
    best.get_by_role("button").click()
    page.wait_for_function(f"document.querySelector('#match-player video').currentTime >= {start}")


def test_visitors_beyond_the_queue_are_told_so(serve, visit, tmp_path, monkeypatch) -> None:
    from dmin.inference import Localizer

    go_on, call = Event(), Localizer.__call__
    monkeypatch.setattr(Localizer, "__call__", lambda *args, **options: go_on.wait(60) and call(*args, **options))
    address, video = serve(max_waiting=1), write_playable(tmp_path / "a.mp4")
    pages = [visit(address) for _ in range(4)]
    for page in pages:
        drop(page, video)
        page.wait_for_timeout(1500)
    refused = [page for page in pages if page.get_by_text("currently busy").count()]
    assert refused
    assert pages[0] not in refused
    go_on.set()
    for page in pages:
        if page not in refused:
            page.locator(".dmin-bar").first.wait_for()


def test_work_for_a_visitor_who_has_left_ends(serve, visit, tmp_path, monkeypatch) -> None:
    from dmin.inference import Localizer

    ended, begun = Event(), Event()

    def never(self: Localizer, video: object, *, progress: Progress, **options: object) -> None:
        begun.set()
        try:
            while not time.sleep(0.1):
                progress("localize", 1, None)
        finally:
            ended.set()

    monkeypatch.setattr(Localizer, "__call__", never)
    page = visit(serve())
    drop(page, write_playable(tmp_path / "a.mp4"))
    assert begun.wait(60)
    page.get_by_text("Watching and listening").wait_for()
    assert not ended.is_set()
    page.close()
    assert ended.wait(60)


@pytest.mark.slow
def test_a_page_goes_on_when_its_server_was_killed_and_started_again(visit, tmp_path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        # Where tests run in the background, Ctrl-C is ignored by what they start, unless it is told otherwise.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from dmin.cli import main; main()",
        "serve",
        "--port",
        str(port),
        "--folder",
        str(tmp_path / "kept"),
    ]

    def start() -> subprocess.Popen[str]:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        assert server.stdout.readline() == f"http://127.0.0.1:{port}/\n"
        return server

    server = start()
    try:
        page = visit(f"http://127.0.0.1:{port}/", None)
        video = write_playable(tmp_path / "a.mp4")
        drop(page, video)
        page.get_by_text("no event; nearest:").wait_for()
        server.kill()
        server.wait()
        server = start()
        page.reload()
        drop(page, video)
        page.get_by_text("no event; nearest:").wait_for()
        server.send_signal(signal.SIGINT)
        assert server.wait(120) == 130
    finally:
        server.kill()
