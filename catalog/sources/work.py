"""Work: the folder in which one source gathers what it fetches, kept until a refresh has used it.

A *try* begins with the first fetch and ends when its facts are published, or after six hours: what was
fetched before a crash is used by the next process, and prices of different days are never mixed. Downloads
outlive the try, so that an unchanged file is not fetched again (``If-None-Match``).
"""

from __future__ import annotations

import gzip
import json
import shutil
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.atomic_file import replacing
from catalog.errors import SourceError

if TYPE_CHECKING:
    from catalog.sources.http import Http

TRY_LASTS_S = 6 * 3_600
"""What an unfinished refresh left is used again for so long."""

Json = Any
Next = str | Mapping[str, str] | None
"""The page after this one: its address, or parameters to add to the first; ``None`` after the last."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one step of a source is; ``total`` is 0 while nobody knows."""

    source: str
    done: int
    total: int
    unit: str


@dataclass(slots=True)
class Work:
    """What a source works with: its folder, the network, and someone who wants to know how far it is.

    Safe to use from several threads as long as they fetch under different names. Once ``stop`` is set every
    method that asks the network raises ``SourceError``.
    """

    source: str
    folder: Path
    report: Callable[[Progress], None] = lambda _progress: None
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.time
    _http: Http | None = field(init=False, repr=False, default=None)
    _try: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def progress(self, done: int, total: int = 0, unit: str = "") -> None:
        """Say that ``done`` of ``total`` (0 where unknown) are there, such as pages, regions or bytes."""
        self.report(Progress(self.source, done, total, unit))

    def fail(self, message: str) -> SourceError:
        """Return an error of this source, to be raised; the message says what mends it."""
        return SourceError(self.source, message)

    def try_id(self) -> str:
        """Return the name of the try that is going on; where there is none, or it is too old, begin one."""
        if not self._try:
            path = self.folder / "try.json"
            kept = self._kept_try(path)
            if not kept:
                self.finish()
                kept = uuid.uuid4().hex
                _write(path, json.dumps({"id": kept, "begun_at": int(self.clock())}).encode())
            self._try = kept
        return self._try

    def finish(self) -> None:
        """End the try: what it gathered page by page is deleted, downloads stay for the next one."""
        self._try = ""
        (self.folder / "try.json").unlink(missing_ok=True)
        shutil.rmtree(self.folder / "pages", ignore_errors=True)

    def _web(self) -> Http:
        if self._http is None:
            try:
                from catalog.sources.http import Http
            except ImportError as error:
                raise self.fail(
                    f"needs the package {error.name}: install the extra [catalog] of this project"
                ) from error
            self._http = Http(self.source, self.stop)
        return self._http

    def _kept_try(self, path: Path) -> str:
        try:
            known = json.loads(path.read_text("utf-8"))
            young = 0 <= self.clock() - known["begun_at"] < TRY_LASTS_S
            return str(known["id"]) if young else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def download(
        self,
        url: str,
        name: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        sha256: str = "",
    ) -> Path:
        """Return the file of ``url`` as ``folder/name``, whole.

        A file that was cut short goes on where it stopped if it is still the same at the server; one that is
        whole is asked for anew once a try, and fetched only if it changed. Its length is checked, and its
        hash where ``sha256`` is given. Failures that pass are tried again. Raises ``SourceError``.
        """
        target = self.folder / name
        return self._web().download(
            url,
            target,
            params=params,
            headers=headers,
            sha256=sha256,
            fresh_id=self.try_id(),
            progress=lambda done, total: self.progress(done, total, "bytes"),
        )

    def get_json(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        data: Json = None,
    ) -> Json:
        """Return what ``url`` answers, parsed; with ``data``, that is posted as JSON.

        Failures that pass are tried again. Raises ``SourceError``.
        """
        return self._web().get_json(url, params, headers=headers, data=data)

    def pages(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        name: str,
        following: Callable[[Json], Next],
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Json]:
        """Yield the answers of a list that comes in pages, each parsed.

        ``following`` reads from one page where the next is. Pages are kept under ``name``: after a crash the
        list goes on with the first that is missing. Raises ``SourceError``, and when the pages lead in a
        circle.
        """
        self.try_id()
        folder = self.folder / "pages" / name
        folder.mkdir(parents=True, exist_ok=True)
        wanted: Next = url
        seen: set[str] = set()
        number = 0
        while wanted is not None:
            marker = json.dumps(wanted if isinstance(wanted, str) else dict(wanted), sort_keys=True)
            if marker in seen:
                raise self.fail(f"the pages of {name} lead in a circle at page {number + 1}; try again later")
            seen.add(marker)
            number += 1
            path = folder / f"{number:06}.json.gz"
            page = _kept_page(path, marker)
            if page is None:
                address = wanted if isinstance(wanted, str) else url
                first = wanted == url or not isinstance(wanted, str)
                added = {} if isinstance(wanted, str) else wanted
                merged = {**(params or {}), **added} if first else None
                page = self._web().get_json(address, merged, headers=headers)
                _write(path, gzip.compress(json.dumps([marker, page]).encode(), 1))
            self.progress(number, 0, f"pages of {name}")
            yield page
            wanted = following(page)


def _kept_page(path: Path, marker: str) -> Json | None:
    """Return the page that was kept for that marker, ``None`` where there is none or it is damaged."""
    try:
        kept, page = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError, zlib.error):
        return None
    return page if kept == marker else None


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as file:
        file.write(content)
