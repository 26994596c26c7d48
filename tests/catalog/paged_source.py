"""A source that reads a small price list page by page from a server, and processes that refresh from it."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.errors import SkyError
from catalog.facts import facts_of_rows
from catalog.refresh import refresh
from catalog.sources.base import Work

if TYPE_CHECKING:
    import pyarrow as pa

PAGES = 6
TYPES_OF_A_PAGE = 10
WATCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.listdir", "os.scandir"}


@dataclass(frozen=True)
class PagedSource:
    """All types of ``acme`` at one price, so that a table of two prices is a mixture."""

    url: str
    name: str = "acme"
    cloud: str = "acme"
    credentials: str = "none"
    untold: None = None

    def fetch(self, work: Work) -> pa.Table:
        pages = work.pages(f"{self.url}/prices?page=0", name="prices", following=lambda page: page["next"])
        return facts_of_rows([row for page in pages for row in page["rows"]])


def page(url: str, number: int, price: float) -> dict[str, Any]:
    """What the server answers for one page of the list."""
    rows = [
        {
            "cloud": "acme",
            "region": "r1",
            "instance_type": f"m{number * TYPES_OF_A_PAGE + at}",
            "vcpus": 4,
            "memory_gib": 16,
            "price": price,
            "source": "list",
        }
        for at in range(TYPES_OF_A_PAGE)
    ]
    following = f"{url}/prices?page={number + 1}" if number + 1 < PAGES else None
    return {"rows": rows, "next": following}


def refresh_and_die(home: Path, url: str, die_at: int) -> None:
    """Refresh; be killed right before the ``die_at``-th touch of something under ``home`` (never for 0).

    The exit code of one that lives is 0 where the source passed, else 3.
    """
    seen = 0

    def count(event: str, arguments: Any) -> None:
        nonlocal seen
        if event in WATCHED and str(arguments[0]).startswith(str(home)):
            seen += 1
            if seen == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    if die_at:
        sys.addaudithook(count)
    try:
        outcome = refresh([PagedSource(url)], home, accept=["moved", "alone"])
    except SkyError:
        sys.exit(3)
    sys.exit(0 if outcome.ok else 3)


def read_until(home: Path, stop: Any, threads: int, failures: Any, reads: Any) -> None:
    """Open the catalog again and again in several threads until ``stop``; report what is not whole."""
    from threading import Thread

    def read() -> None:
        count = 0
        while not stop.is_set():
            try:
                check(home)
            except Exception as error:
                failures.put(f"{type(error).__name__}: {error}")
                return
            count += 1
        reads.put(count)

    running = [Thread(target=read) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def check(home: Path) -> float:
    """Return the one price of ``acme`` in the snapshot in use, 0 where it is not there yet.

    Raises ``AssertionError`` for a table that is not whole.
    """
    from catalog import query
    from catalog.names import names
    from catalog.snapshot import verify
    from catalog.store import open_snapshot

    snapshot = open_snapshot(home)
    verify(snapshot)
    rows = query.rows(query.mask_equal(snapshot.table, "cloud", "acme"))
    found = {int(query.view(snapshot.table, "price_micro_usd")[row]) for row in rows}
    assert len(rows) in {0, PAGES * TYPES_OF_A_PAGE}, f"{len(rows)} rows"
    assert len(found) <= 1, f"two prices: {found}"
    assert len(names(home).instance_types("acme")) in {0, PAGES * TYPES_OF_A_PAGE}
    return found.pop() / 1e6 if found else 0.0
