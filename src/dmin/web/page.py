"""The page itself, and its server."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from tempfile import TemporaryDirectory

import gradio as gr

from dmin.errors import DminError
from dmin.report.answer import asset
from dmin.web.localize_tab import LocalizeTab
from dmin.web.match_tab import MatchTab
from dmin.web.settings import ServeSettings
from dmin.web.visits import leave

_STYLE = """
.gradio-container { width: 100% !important; max-width: 1180px !important; margin: 0 auto; }
.gradio-container > main { width: 100%; }
button[aria-label="Trim video to selection"] { display: none; }
"""
_FONT = ("system-ui", "sans-serif")


def build(settings: ServeSettings) -> gr.Blocks:
    """Lay the page out."""
    every_seconds = min(600, settings.keep_seconds)
    page = gr.Blocks(title="dmin", analytics_enabled=False, delete_cache=(every_seconds, settings.keep_seconds))
    with page:
        gr.Markdown("# dmin\nFinds what is both heard and seen in videos, second by second.")
        with gr.Tab("Events"):
            LocalizeTab(settings).build()
        with gr.Tab("Match"):
            MatchTab(settings).build()
        with gr.Tab("Words"):
            gr.Markdown(resources.files("dmin.web").joinpath("words.md").read_text("utf-8"))
        page.unload(leave)
    page.queue(max_size=settings.max_waiting, api_open=False)
    return page


@contextmanager
def serving(settings: ServeSettings) -> Iterator[str]:
    """Serve the page from a thread as long as the context lasts; its address is what comes back.

    Raises:
        DminError: The address is taken or not allowed, or the folder cannot be made.
    """
    _check_host(settings.host)
    with ExitStack() as stack:
        if settings.folder is None:
            folder = stack.enter_context(TemporaryDirectory(prefix="dmin-serve-", ignore_cleanup_errors=True))
        else:
            try:
                settings.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise DminError(f"cannot create the folder {settings.folder}: {error.strerror}") from error
            folder = str(settings.folder.resolve())
        os.environ["GRADIO_TEMP_DIR"] = folder  # the library reads it as the page is built
        page = build(settings)
        try:
            _, address, _ = page.launch(
                server_name=settings.host,
                server_port=settings.port or None,
                max_file_size=f"{settings.max_megabytes:g}mb",
                theme=gr.themes.Soft(primary_hue="blue", font=_FONT, font_mono=("ui-monospace", "monospace")),
                css=_STYLE + asset("answer.css"),
                head=f"<script>{asset('answer.js')}</script>",
                footer_links=[],
                quiet=True,
                share=False,
                ssr_mode=False,
                enable_monitoring=False,
                prevent_thread_lock=True,
            )
        except OSError as error:
            raise DminError(f"cannot listen on {settings.host} port {settings.port}: try --port 0") from error
        stack.callback(page.close, verbose=False)
        yield address


def _check_host(host: str) -> None:
    """Refuse an address that is not this machine's; the library would try a hundred ports there."""
    try:
        family = socket.getaddrinfo(host, None)[0][0]
        socket.create_server((host, 0), family=family).close()
    except OSError as error:
        raise DminError(f"cannot listen on {host} ({error.strerror}): give an address of this machine") from error
