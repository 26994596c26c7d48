"""Asking providers over HTTP: patient with failures that pass, exact about files, silent about secrets.

Addresses appear in messages without their query, which may hold a key, and the messages of the HTTP library,
which would quote it, do not appear at all.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from catalog.errors import SourceError
from catalog.sources import kept_file
from catalog.sources.kept_file import KeptFile

TIMEOUT_S = (10, 60)
"""To connect, and between two reads."""
TRIES = 5
LONGEST_WAIT_S = 60
"""A server that asks for a longer pause (``Retry-After``) is asked again after this one."""
_TOLD_PAUSE_S = 2
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_CHUNK_BYTES = 1 << 16
_TRUE_LENGTH = {"Accept-Encoding": "identity"}


_log = logging.getLogger("sky.catalog")


class _Pause(Retry):
    """Retry that says for whom it waits, and whose pauses end when ``stop`` is set."""

    source = ""
    stop = threading.Event()

    def new(self, **changes: Any) -> _Pause:
        fresh = super().new(**changes)
        fresh.source, fresh.stop = self.source, self.stop
        return fresh

    def sleep(self, response: Any = None) -> None:
        asked_s = self.get_retry_after(response) if response is not None else None
        pause_s = min(asked_s or self.get_backoff_time(), LONGEST_WAIT_S)
        if pause_s >= _TOLD_PAUSE_S:
            why = f"answered HTTP {response.status}" if response is not None else "no answer"
            _log.info("%s: %s; asked again in %.0f s", self.source, why, pause_s)
        self.stop.wait(pause_s)


def _is_of_others(record: logging.LogRecord) -> bool:
    """Return whether urllib3 speaks of a request that is not made here."""
    return not (isinstance(record.args, tuple) and any(isinstance(each, _Pause) for each in record.args))


logging.getLogger("urllib3.connectionpool").addFilter(_is_of_others)


class _Cut(Exception):
    """The body ended before its stated length."""


class Http:
    """One source's way to the network, with a session for each thread."""

    def __init__(self, source: str, stop: threading.Event, backoff_s: float = 0.5) -> None:
        self._source = source
        self._stop = stop
        self._backoff_s = backoff_s
        self._sessions = threading.local()

    def get_json(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> Any:
        """Return the answer, parsed; with ``data``, that is posted as JSON. Raises ``SourceError``."""
        method = "GET" if data is None else "POST"
        response = self._ask(method, url, params=params, headers=headers, json=data)
        self._check(response, url)
        try:
            return response.json()
        except ValueError:
            raise self._error(
                f"{_shown(url)} answered something that is not JSON; look whether a proxy stands in between"
            ) from None

    def download(
        self,
        url: str,
        target: Path,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        sha256: str = "",
        fresh_id: str = "",
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Path:
        """Make ``target`` the whole file of ``url``, as ``Work.download`` says, and return it.

        A file that was made or confirmed under the same ``fresh_id`` is not asked for again.
        """
        file = KeptFile(target, kept_file.identity(url, params))
        if file.is_fresh(fresh_id) and (not sha256 or kept_file.sha256(target) == sha256):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        failures = 0
        while failures < TRIES:
            before = file.part_bytes()
            try:
                self._fetch(url, file, params, headers, fresh_id, progress)
                break
            except (requests.RequestException, _Cut) as error:
                failures = failures + 1 if file.part_bytes() <= before else 1
                if failures == TRIES or self._stop.wait(self._backoff_s * 2**failures):
                    raise self._unreachable(url, error) from None
        if sha256 and (found := kept_file.sha256(target)) != sha256:
            file.forget()
            raise self._error(f"{_shown(url)} has the hash {found[:12]}, not {sha256[:12]}; run it again")
        return target

    def _fetch(
        self,
        url: str,
        file: KeptFile,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        fresh_id: str,
        progress: Callable[[int, int], None],
    ) -> None:
        """Fetch what is missing of ``file``; what arrived before a failure stays for the next call."""
        wanted = {**(headers or {}), **_TRUE_LENGTH, **file.conditions()}
        response = self._ask("GET", url, params=params, headers=wanted, stream=True)
        with response:
            if response.status_code == 304:
                file.confirm(fresh_id)
                return
            if not file.is_continued_by(response):
                file.drop_part()
                raise _Cut
            self._check(response, url)
            done = file.begin(response)
            length = response.headers.get("Content-Length")
            total = done + int(length) if length else 0
            with file.part.open("ab") as sink:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    sink.write(chunk)
                    done += len(chunk)
                    progress(done, total)
                    self._go_on()
                sink.flush()
                os.fsync(sink.fileno())
        if total and done != total:
            raise _Cut
        file.complete(fresh_id)

    def _ask(self, method: str, url: str, **options: Any) -> requests.Response:
        """Return the answer; the session has tried again what may pass. Raises ``SourceError``."""
        try:
            return self._session().request(method, url, timeout=TIMEOUT_S, **options)
        except requests.RequestException as error:
            raise self._unreachable(url, error) from None

    def _session(self) -> requests.Session:
        self._go_on()
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = requests.Session()
            pause = _Pause(
                total=TRIES,
                backoff_factor=self._backoff_s,
                status_forcelist=_PASSING,
                allowed_methods=None,
                raise_on_status=False,
            )
            pause.source, pause.stop = self._source, self._stop
            for scheme in ("https://", "http://"):
                session.mount(scheme, HTTPAdapter(max_retries=pause))
        return session

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise self._error("stopped; run it again to go on from here")

    def _check(self, response: requests.Response, url: str) -> None:
        status = response.status_code
        if status < 300:
            return
        if status in {401, 403}:
            fix = "its credentials are missing, wrong or lack the permission: see `sky check`"
        elif status == 404:
            fix = "the address has moved: look for a newer release, or set SKY_CATALOG_<NAME>_URL"
        elif status in _PASSING:
            fix = f"and did so {TRIES + 1} times: try again later"
        else:
            fix = "the request was not understood: look for a newer release"
        raise self._error(f"{_shown(url)} answered HTTP {status}; {fix}")

    def _unreachable(self, url: str, error: Exception) -> SourceError:
        if isinstance(error, requests.Timeout):
            why = f"did not answer within {TIMEOUT_S[1]} s"
        elif isinstance(error, _Cut):
            why = "sent less than it announced"
        else:
            why = f"cannot be reached ({type(error).__name__})"
        return self._error(f"{_shown(url)} {why}; look at the network or proxy, then run it again")

    def _error(self, message: str) -> SourceError:
        return SourceError(self._source, message)


def _shown(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
