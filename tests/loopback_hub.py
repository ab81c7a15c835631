"""A hub on this machine's loopback: as much of the Hugging Face hub's protocol as its own client needs here.

It holds models and data sets in memory, with branches, private repositories, users by their tokens, and files that
travel as Git LFS objects. It counts what it is asked for, and breaks transfers off when told to. `use` points the
client of this process to it, `environment` that of another process.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import RLock, Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

LFS_SUFFIXES = (".safetensors", ".mp4", ".onnx", ".npz")
_REPOSITORY = r"/(?P<kind>model|dataset)s/(?P<name>[\w.-]+/[\w.-]+)"
_FILES = r"/(?P<datasets>datasets/)?(?P<name>[\w.-]+/[\w.-]+)"


class Refused(Exception):  # noqa: N818  # an answer rather than an error of the hub
    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass
class Repository:
    private: bool = False
    branches: dict[str, str] = field(default_factory=dict)
    """Commit of each branch."""
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """All files of each commit."""
    messages: list[str] = field(default_factory=list)

    def commit(self, branch: str, files: dict[str, bytes], message: str) -> str:
        digests = [f"{path} {hashlib.sha256(content).hexdigest()}" for path, content in sorted(files.items())]
        sha = hashlib.sha1(f"{len(self.commits)} {digests}".encode()).hexdigest()
        self.commits[sha], self.branches[branch] = files, sha
        self.messages.append(message)
        return sha

    def at(self, revision: str) -> str:
        sha = self.branches.get(revision, revision)
        if sha not in self.commits:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return sha


class LoopbackHub:
    """A running hub."""

    def __init__(self) -> None:
        self.users = {"token-of-ann": "ann", "token-of-bob": "bob"}
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}
        """Uploaded Git LFS objects by SHA-256."""
        self.requests: list[str] = []
        """Method, path and range, as they came."""
        self.cuts: dict[str, list[int]] = {}
        """By file: bytes after which its next transfers break off, one after the other."""
        self.status: int | None = None
        """Answer everything with this status."""
        self._lock = RLock()

        class Handler(_Handler):
            answer = staticmethod(self._handle)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(
        self, name: str, files: dict[str, bytes], *, kind: str = "model", private: bool = False, branch: str = "main"
    ) -> str:
        """Put files on a branch of a repository, which is made if need be; the commit comes back."""
        repository = self.repositories.setdefault((kind, name), Repository(private))
        before = repository.commits.get(repository.branches.get(branch, ""), {})
        return repository.commit(branch, before | files, "added")

    def files(self, name: str, revision: str = "main", kind: str = "model") -> dict[str, bytes]:
        repository = self.repositories[kind, name]
        return repository.commits[repository.at(revision)]

    def environment(self, home: Path, token: str | None = None) -> dict[str, str]:
        """Variables for a process whose client is to talk to this hub and to keep its cache in a folder."""
        names = {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
        return names | ({} if token is None else {"HF_TOKEN": token})

    def use(self, monkeypatch: pytest.MonkeyPatch, home: Path, token: str | None = None) -> None:
        """Do what `environment` does for this process, whose client has read its variables already."""
        from huggingface_hub import constants

        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        for name, value in self.environment(home, token).items():
            monkeypatch.setenv(name, value)
        template = self.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", self.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    def _handle(self, request: _Handler) -> None:
        path = urlsplit(request.path).path
        request.body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self._lock:
            self.requests.append(" ".join(filter(None, (request.command, path, request.headers.get("Range")))))
            try:
                if self.status is not None:
                    raise Refused(self.status, "out of order")
                request.user = self._user(request.headers.get("Authorization"))
                for method, pattern, answer in _ROUTES:
                    if request.command in method and (found := re.fullmatch(pattern, path)):
                        words = {key: value and unquote(value) for key, value in found.groupdict().items()}
                        answer(self, request, **words)
                        return
                raise Refused(404, f"no route {request.command} {path}")
            except Refused as refusal:
                headers = {"X-Error-Message": refusal.message, "X-Error-Code": refusal.code}
                request.give({"error": refusal.message}, refusal.status, headers)

    def _user(self, authorization: str | None) -> str | None:
        if authorization is None:
            return None
        token = authorization.removeprefix("Bearer ")
        if token not in self.users:
            raise Refused(401, "Invalid credentials in Authorization header")
        return self.users[token]

    def _open(self, kind: str, name: str, user: str | None, *, write: bool = False) -> Repository:
        repository = self.repositories.get((kind, name))
        mine = name.startswith(f"{user}/")
        if repository is None or (repository.private and not mine):
            raise Refused(404 if user else 401, "Repository not found", "RepoNotFound")
        if write and not mine:
            raise Refused(403, "You don't have the required permissions to push to this repository")
        return repository

    def _create(self, request: _Handler) -> None:
        asked = json.loads(request.body)
        name, kind = f"{asked['organization'] or request.user}/{asked['name']}", asked.get("type", "model")
        if request.user is None:
            raise Refused(401, "Invalid username or password.")
        url = f"{self.url}/{'datasets/' * (kind == 'dataset')}{name}"
        if (kind, name) in self.repositories:
            request.give({"url": url, "error": "You already created this repo"}, 409)
            return
        if asked["organization"] not in (None, request.user):
            raise Refused(403, f"You don't have the rights to create a {kind} under this namespace")
        private = asked.get("private") or asked.get("visibility") == "private"
        self.add(name, {".gitattributes": b"*.safetensors filter=lfs\n"}, kind=kind, private=private)
        request.give({"url": url})

    def _validate(self, request: _Handler) -> None:
        head = re.match(r"---\n(.*?)\n---\n", json.loads(request.body)["content"], re.DOTALL)
        if head and "license: no-such-licence" in head[1]:
            request.give({"errors": [{"message": '"license" must be one of [apache-2.0, mit]'}], "warnings": []}, 400)
        else:
            request.give({"errors": [], "warnings": [] if head else [{"message": "empty or missing yaml metadata"}]})

    def _info(self, request: _Handler, kind: str, name: str, revision: str | None = None) -> None:
        repository = self._open(kind, name, request.user)
        sha = repository.at(revision or "main")
        siblings = [{"rfilename": path} for path in repository.commits[sha]]
        request.give({"id": name, "sha": sha, "private": repository.private, "siblings": siblings, "tags": []})

    def _tree(self, request: _Handler, kind: str, name: str, revision: str) -> None:
        repository = self._open(kind, name, request.user)
        request.give([_entry(*file) for file in repository.commits[repository.at(revision)].items()])

    def _branch(self, request: _Handler, kind: str, name: str, branch: str) -> None:
        repository = self._open(kind, name, request.user, write=True)
        if branch in repository.branches:
            raise Refused(409, "Reference already exists")
        repository.branches[branch] = repository.branches["main"]
        request.give({})

    def _preupload(self, request: _Handler, kind: str, name: str, revision: str) -> None:
        repository = self._open(kind, name, request.user, write=True)
        there = repository.commits[repository.at(revision)]
        files = []
        for path in (file["path"] for file in json.loads(request.body)["files"]):
            mode = "lfs" if path.endswith(LFS_SUFFIXES) else "regular"
            oid = _etag(path, there[path]) if path in there else None
            files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        request.give({"files": files})

    def _batch(self, request: _Handler, datasets: str | None, name: str) -> None:
        self._open("dataset" if datasets else "model", name, request.user, write=True)
        objects = json.loads(request.body)["objects"]
        for item in objects:
            if item["oid"] not in self.objects:
                item["actions"] = {"upload": {"href": f"{self.url}/objects/{item['oid']}"}}
        request.give({"transfer": "basic", "objects": objects})

    def _put(self, request: _Handler, oid: str) -> None:
        if hashlib.sha256(request.body).hexdigest() != oid:
            raise Refused(400, "the object's content does not fit its name")
        self.objects[oid] = request.body
        request.give({})

    def _commit(self, request: _Handler, kind: str, name: str, revision: str) -> None:
        repository = self._open(kind, name, request.user, write=True)
        files = dict(repository.commits[repository.at(revision)])
        message = ""
        for line in map(json.loads, request.body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                message = value["summary"]
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.objects[value["oid"]]
            else:
                del files[value["path"]]
        sha = repository.commit(revision, files, message)
        request.give({"success": True, "commitOid": sha, "commitUrl": f"{self.url}/{name}/commit/{sha}"})

    def _resolve(self, request: _Handler, datasets: str | None, name: str, revision: str, path: str) -> None:
        repository = self._open("dataset" if datasets else "model", name, request.user)
        sha = repository.at(revision)
        content = repository.commits[sha].get(path)
        if content is None:
            raise Refused(404, "Entry not found", "EntryNotFound")
        cuts = self.cuts.get(path, [])
        cut = cuts.pop(0) if cuts and request.command == "GET" else None
        request.give_file(content, {"ETag": f'"{_etag(path, content)}"', "X-Repo-Commit": sha}, cut)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer: Callable[[_Handler], None]
    body: bytes
    user: str | None

    def do_GET(self) -> None:
        self.answer(self)

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815  # the names that the server calls

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def give(self, data: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(data).encode(), {"Content-Type": "application/json"} | (headers or {}))

    def give_file(self, content: bytes, headers: dict[str, str], cut: int | None) -> None:
        """Send a file, or the part of it that the request's Range asks for; break off after ``cut`` bytes of it."""
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        if start:
            headers = headers | {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self._send(206 if start else 200, content[start:], headers, cut)

    def _send(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True


def _etag(path: str, content: bytes) -> str:
    """The name of a file's content: SHA-256 of a Git LFS object, or Git's own of a blob."""
    if path.endswith(LFS_SUFFIXES):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _entry(path: str, content: bytes) -> dict[str, Any]:
    entry = {"type": "file", "path": path, "size": len(content), "oid": _etag(path, content)}
    if path.endswith(LFS_SUFFIXES):
        entry["lfs"] = {"oid": entry["oid"], "size": len(content), "pointerSize": 134}
    return entry


_ROUTES: list[tuple[str, str, Callable[..., None]]] = [
    ("POST", "/api/repos/create", LoopbackHub._create),
    ("POST", "/api/validate-yaml", LoopbackHub._validate),
    ("GET", f"/api{_REPOSITORY}(/revision/(?P<revision>[^/]+))?", LoopbackHub._info),
    ("GET", f"/api{_REPOSITORY}/tree/(?P<revision>[^/]+)", LoopbackHub._tree),
    ("POST", f"/api{_REPOSITORY}/branch/(?P<branch>[^/]+)", LoopbackHub._branch),
    ("POST", f"/api{_REPOSITORY}/preupload/(?P<revision>[^/]+)", LoopbackHub._preupload),
    ("POST", f"/api{_REPOSITORY}/commit/(?P<revision>[^/]+)", LoopbackHub._commit),
    ("POST", rf"{_FILES}\.git/info/lfs/objects/batch", LoopbackHub._batch),
    ("PUT", "/objects/(?P<oid>[0-9a-f]{64})", LoopbackHub._put),
    ("GET HEAD", f"{_FILES}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", LoopbackHub._resolve),
]
