"""A provider's price list as a real HTTP server on loopback: files with ETag and Range, and set failures."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; ``path`` has the query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What the server does next instead of sending the file."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Bytes of the body (or of the file, where there is none) before the connection is dropped."""


@dataclass
class Provider:
    """The server: ``files`` by path without query, ``next`` answers in order, ``asked`` so far.

    ``answer``, where set, is asked before ``files`` and may return a value to be sent as JSON.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    next: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], Any] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: Provider

    def handle_error(self, *_arguments: Any) -> None:
        """Say nothing of a client that was killed in the middle."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*_arguments)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        provider = cast(_Server, self.server).provider
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, dict(self.headers), body)
        with provider.lock:
            provider.asked.append(asked)
            chosen = provider.next.pop(0) if provider.next else None
        if chosen is None and provider.answer is not None:
            chosen = _answer(provider.answer(asked))
        if chosen is None or (chosen.status == 200 and not chosen.body):
            self._file(provider.files.get(self.path.partition("?")[0]), chosen and chosen.cut_after)
        else:
            self._send(chosen)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_args: Any) -> None:
        pass

    def _file(self, content: bytes | None, cut_after: int | None) -> None:
        if content is None:
            self._send(Answer(404))
            return
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if self.headers.get("If-None-Match") == etag:
            self._send(Answer(304, headers={"ETag": etag}))
        elif "Range" not in self.headers or self.headers.get("If-Range") != etag:
            self._send(Answer(200, content, {"ETag": etag}, cut_after))
        elif start >= len(content):
            self._send(Answer(416))
        else:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._send(Answer(206, content[start:], {"ETag": etag, "Content-Range": span}, cut_after))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.cut_after])
        self.close_connection |= answer.cut_after is not None


def _answer(value: Any) -> Answer | None:
    return value if value is None or isinstance(value, Answer) else Answer(200, json.dumps(value).encode())


@contextmanager
def serving() -> Iterator[Provider]:
    """Serve on a free port of loopback until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.provider = Provider(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
