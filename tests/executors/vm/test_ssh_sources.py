"""Where logins are let in from: what is named, else this machine's address, else anywhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from catalog.errors import UserError
from executors.vm import ssh_sources as module
from executors.vm.ssh_sources import ANYWHERE, ssh_sources

VARIABLE = "SKY_TEST_SSH_FROM"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """A page in the place of the one that tells an address; what it says is up to the test."""
    said = [b""]

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(said[0])

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(module, "WHO_AM_I", f"http://127.0.0.1:{server.server_port}/")
        yield lambda text: said.__setitem__(0, text)
        server.shutdown()


def test_ranges_that_are_named_are_taken_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "own_address", lambda: pytest.fail("nobody is to be asked"))
    monkeypatch.setenv(VARIABLE, "203.0.113.7, 2001:db8::/32")
    assert ssh_sources(VARIABLE, look=True) == ["203.0.113.7/32", "2001:db8::/32"]
    monkeypatch.setenv(VARIABLE, "everywhere")
    with pytest.raises(UserError, match=VARIABLE):
        ssh_sources(VARIABLE, look=True)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        (b"203.0.113.7\n", ["203.0.113.7/32"]),
        (b"2001:db8::7\n", ["2001:db8::7/128"]),
        (b"<html>log in to this network first</html>", [ANYWHERE]),
    ],
)
def test_this_machines_address_is_asked_for(
    text: bytes, sources: list[str], page: Callable[[bytes], None]
) -> None:
    page(text)
    assert ssh_sources(VARIABLE, look=True) == sources
    assert ssh_sources(VARIABLE, look=False) == [ANYWHERE]


def test_where_nobody_tells_logins_come_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHO_AM_I", "http://127.0.0.1:1/")
    assert ssh_sources(VARIABLE, look=True) == [ANYWHERE]
