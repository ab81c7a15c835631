"""A server on this machine's loopback that misbehaves as told, one answer after the other."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler, bytes, int], None]
"""Answers a request for some content from an offset on, as the request's Range asks for."""


def send(request: BaseHTTPRequestHandler, status: int, body: bytes, length: int | None, **headers: str) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    if length is not None:
        request.send_header("Content-Length", str(length))
    request.end_headers()
    request.wfile.write(body)


def well(request: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
    if start == 0:
        send(request, 200, content, len(content))
    elif start >= len(content):
        send(request, 416, b"", 0, Content_Range=f"bytes */{len(content)}")
    else:
        content_range = f"bytes {start}-{len(content) - 1}/{len(content)}"
        send(request, 206, content[start:], len(content) - start, Content_Range=content_range)


def cut_after(count: int) -> Answer:
    """Break the connection after so many bytes of what was asked for."""

    def answer(request: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
        send(request, 206 if start else 200, content[start : start + count], len(content) - start)

    return answer


def ignore_range(count: int | None = None) -> Answer:
    """Send the file from its beginning whatever was asked for, and break the connection after so many bytes."""

    def answer(request: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
        send(request, 200, content[:count], len(content))

    return answer


def without_length(request: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
    send(request, 200, content, None)


def redirect(request: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
    """Send elsewhere, as releases on GitHub do."""
    send(request, 302, b"", 0, Location="/elsewhere/weights.pth")


def refuse(status: int) -> Answer:
    def answer(request: BaseHTTPRequestHandler, content: bytes, start: int) -> None:
        send(request, status, b"<html>sorry</html>", 18)

    return answer


class Server:
    """Serves a content; the last of its answers is repeated."""

    def __init__(self, content: bytes, *answers: Answer) -> None:
        self.content = content
        self.answers = list(answers) or [well]
        self.starts: list[int] = []
        """Offsets that were asked for."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
                outer.starts.append(start)
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                answer(self, outer.content, start)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/weights.pth"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
