"""Fetch from several sources at once; what one of them does wrong does not touch the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.errors import CatalogError, SkyError, SourceError
from catalog.facts import check, read_facts, write_facts
from catalog.places import published_folder
from catalog.sources.base import Source
from catalog.sources.work import Progress, Work

if TYPE_CHECKING:
    import pyarrow as pa

_TRY = b"try"
_log = logging.getLogger("sky.catalog")


def gather(
    sources: Sequence[Source],
    home: Path | None,
    jobs: int,
    report: Callable[[Progress], None] = lambda _progress: None,
    *,
    fresh: bool = False,
) -> dict[str, tuple[Work, pa.Table | SkyError]]:
    """Return source -> its work and its facts, or why there are none; at most ``jobs`` fetch at a time.

    What a refresh fetched and did not come to publish is used again, as ``Work`` says, unless ``fresh``.
    """
    stop = threading.Event()
    works = {each.name: work(each.name, home, report, stop) for each in sources}
    for each in works.values() if fresh else ():
        each.finish()
    with ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="catalog") as pool:
        try:
            running = {each.name: pool.submit(_fetch, each, works[each.name]) for each in sources}
            return {name: (works[name], each.result()) for name, each in running.items()}
        except BaseException:
            stop.set()
            raise


def work(
    source: str,
    home: Path | None = None,
    report: Callable[[Progress], None] = lambda _progress: None,
    stop: threading.Event | None = None,
) -> Work:
    """Return the work of a source under the sky home ``home``."""
    folder = published_folder(home) / "work" / source
    return Work(source, folder, report, stop or threading.Event())


def _fetch(source: Source, work: Work) -> pa.Table | SkyError:
    path = work.folder / "facts.parquet"
    try:
        this_try = work.try_id().encode()
        kept = _kept(path)
        if kept is not None and (kept.schema.metadata or {}).get(_TRY) == this_try:
            _log.info("%s: uses what an earlier refresh fetched and did not publish", source.name)
            return kept
        table = source.fetch(work)
        check(table)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _TRY: this_try})
        write_facts(table, path)
    except SkyError as error:
        return error
    except Exception as error:
        _log.debug("%s failed", source.name, exc_info=True)
        message = f"{type(error).__name__}: {error}; this is a defect of the source, please report it"
        return SourceError(source.name, message)
    return table


def _kept(path: Path) -> pa.Table | None:
    try:
        return read_facts(path) if path.exists() else None
    except CatalogError:
        return None
