"""A Hub on 127.0.0.1 that behaves: repositories of files, in memory or on the disk, redirects and ranges as the real one has."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PIECE, SLOW_PIECE = 1 << 18, 1 << 12
COMMIT = "5a" * 20


@dataclass
class Request:
    method: str
    path: str
    range: str | None
    token: str | None


@dataclass
class LoopbackHub:
    """Repositories by name, each a mapping from file to content; `etags` where a digest would take too long to compute.

    `pace` limits what it sends to so many bytes a second; `sent` counts them; `uploads` are what was committed. It may hide
    how long a file is, and send another part than was asked for. Where `large_files`, uploads go elsewhere, and are not taken.
    """

    repos: dict[str, dict[str, bytes | Path]] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    commit: str = COMMIT
    pace: float = 0
    ignores_ranges: bool = False
    shifts_ranges: bool = False
    hides_size: bool = False
    large_files: bool = False
    sent: int = 0
    requests: list[Request] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    port: int = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def gets(self) -> list[Request]:
        return [request for request in self.requests if request.method == "GET"]


@contextmanager
def serving(hub: LoopbackHub) -> Iterator[LoopbackHub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(hub))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.port = server.server_port
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def size_of(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def handler_of(hub: LoopbackHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None: ...

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.note()
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else self.chunked()
            self.send(200, json.dumps(accept_upload(hub, self.path, body)).encode())

        def chunked(self) -> bytes:
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def note(self) -> None:
            token = self.headers.get("Authorization")
            hub.requests.append(Request(self.command, unquote(self.path), self.headers.get("Range"), token))

        def answer(self) -> None:
            self.note()
            parts = unquote(self.path).partition("?")[0].strip("/").split("/")
            if parts[:2] == ["api", "models"]:
                self.list_repo("/".join(parts[2:4]))
            else:
                self.send_file("/".join(parts[:2]), "/".join(parts[4:]))

        def list_repo(self, repo: str) -> None:
            if repo not in hub.repos:
                self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
                return
            names = [{"rfilename": name} for name in hub.repos[repo]]
            self.send(200, json.dumps({"id": repo, "sha": hub.commit, "siblings": names}).encode())

        def send_file(self, repo: str, name: str) -> None:
            if repo not in hub.repos:
                self.send(404, b"", {"X-Error-Code": "RepoNotFound"})
            elif name not in hub.repos[repo]:
                self.send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": hub.commit})
            else:
                self.send_content(name, hub.repos[repo][name])

        def send_content(self, name: str, content: bytes | Path) -> None:
            size = size_of(content)
            etag = hub.etags.get(name) or hashlib.sha256(content if isinstance(content, bytes) else b"").hexdigest()
            head = {"X-Repo-Commit": hub.commit, "ETag": f'"{etag}"'}
            first, last = 0, size - 1
            if self.headers.get("Range") and not hub.ignores_ranges:
                begin, _, end = self.headers["Range"].removeprefix("bytes=").partition("-")
                first, last = int(begin) + hub.shifts_ranges, min(int(end or last), last)
                head["Content-Range"] = f"bytes {first}-{last}/{size}"
            self.send_response(206 if "Content-Range" in head else 200)
            sizes = {"X-Linked-Size": str(size), "Content-Length": str(last - first + 1)}
            for key, value in (head | ({"Connection": "close"} if hub.hides_size else sizes)).items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.send_part(content, first, last + 1)

        def send_part(self, content: bytes | Path, first: int, stop: int) -> None:
            try:
                for piece in pieces(content, first, stop, PIECE if not hub.pace else SLOW_PIECE):
                    self.wfile.write(piece)
                    hub.sent += len(piece)
                    if hub.pace:
                        time.sleep(len(piece) / hub.pace)
            except ConnectionError:
                self.close_connection = True

        def send(self, status: int, body: bytes, head: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for key, value in {**(head or {}), "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler


def pieces(content: bytes | Path, first: int, stop: int, size: int) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield from (content[at : min(at + size, stop)] for at in range(first, stop, size))
        return
    with content.open("rb") as file:
        file.seek(first)
        while first < stop:
            piece = file.read(min(size, stop - first))
            yield piece
            first += len(piece)


def accept_upload(hub: LoopbackHub, path: str, body: bytes) -> dict[str, Any]:
    """The part of the Hub's interface for uploads that a commit of small files needs."""
    if path.endswith("/repos/create"):
        wanted = json.loads(body)
        return {"url": f"{hub.endpoint}/{wanted['organization']}/{wanted['name']}"}
    if "/preupload/" in path:
        files, mode = json.loads(body)["files"], "lfs" if hub.large_files else "regular"
        return {"files": [{"path": each["path"], "uploadMode": mode, "shouldIgnore": False} for each in files]}
    if path.endswith("/lfs/objects/batch"):
        actions = {"upload": {"href": f"{hub.endpoint}/nobody"}}
        return {"objects": [{**each, "actions": actions} for each in json.loads(body)["objects"]]}
    if path.endswith("/validate-yaml"):
        return {"warnings": [], "errors": []}
    for line in body.decode().splitlines():
        entry = json.loads(line)
        if entry["key"] == "file":
            hub.uploads[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
    repo = "/".join(path.split("/")[3:5])
    return {"commitUrl": f"{hub.endpoint}/{repo}/commit/{hub.commit}", "commitOid": hub.commit, "success": True}


class MisbehavingHub:
    """`fake_hub.py` of the shared folder, in this process: the repository `evil/NAME` misbehaves as NAME says."""

    def __init__(self, servers: Any) -> None:
        self.endpoint = f"http://127.0.0.1:{servers[0].server_port}"
        self.ports = [server.server_port for server in servers]
        self._seen = 0

    def new_test(self) -> None:
        self._seen = len(self._log())

    def log(self) -> list[dict[str, Any]]:
        """The requests of this test."""
        return self._log()[self._seen :]

    def _log(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.endpoint}/_log") as answer:
            return list(json.load(answer))
