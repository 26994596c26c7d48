"""A refresh that is killed anywhere leaves a whole catalog, and readers never see half of a swap."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from catalog import history
from catalog.places import published_folder
from catalog.refresh import refresh
from catalog.store import open_snapshot, publish, sweep
from tests.catalog.paged_source import PAGES, PagedSource, check, page, read_until, refresh_and_die
from tests.catalog.provider import Asked, Provider, serving

SEED = 20261126
TOUCHES = 70
"""A little more often than that a refresh touches a file."""


@dataclass
class Market:
    """The provider, at one price at a time, and the sky home that refreshes from it."""

    home: Path
    provider: Provider
    processes: ForkServerContext
    price: float = 0.2
    deaths: list[bool] = field(default_factory=list)

    def answer(self, asked: Asked) -> object:
        (number,) = parse_qs(urlsplit(asked.path).query)["page"]
        return page(self.provider.url, int(number), self.price)

    def killed(self, die_at: int = 0, after_s: float | None = None) -> None:
        """Refresh in a process that is killed, look at what it left, and raise a price that is in use."""
        process = self.processes.Process(target=refresh_and_die, args=(self.home, self.provider.url, die_at))
        process.start()
        process.join(after_s)
        if process.is_alive():
            process.kill()
            process.join()
        assert process.exitcode in {0, -9}
        self.deaths.append(process.exitcode == -9)
        before = round(self.price / 1.01, 6)
        found = check(self.home)
        assert found in {0.0, before, self.price}
        if found == self.price:
            self.price = round(self.price * 1.01, 6)

    def settled(self) -> None:
        """A refresh that lives goes on from whatever was left; nothing stays behind."""
        outcome = refresh([PagedSource(self.provider.url)], self.home, accept=["moved", "alone"])
        assert outcome.ok
        assert check(self.home) == self.price
        chain = history.refreshes(self.home)
        assert [each.before for each in chain[1:]] == [each.snapshot_id for each in chain[:-1]]
        assert chain[-1].snapshot_id == open_snapshot(self.home).snapshot_id
        sweep(self.home, now=2e10)
        root = published_folder(self.home)
        snapshots = {each.snapshot_id for each in chain} | {chain[0].before}
        left = {path.name for path in root.iterdir()} - {"current", "history", "work", ".refresh.lock"}
        assert left <= snapshots | {path.name for path in root.glob("[0-9a-f]" * 64)}
        assert [path.name for path in (root / "history").iterdir() if path.name.startswith(".")] == []


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    table = open_snapshot().table
    publish(table.filter(pc.equal(table["cloud"].cast(pa.utf8()), "nebius")), tmp_path)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.catalog.paged_source", "catalog.sources.http"])
    with serving() as provider:
        made = Market(tmp_path, provider, processes)
        provider.answer = made.answer
        yield made


def test_a_refresh_killed_at_any_file_it_touches_leaves_a_whole_catalog(market: Market) -> None:
    chosen = random.Random(SEED)
    for die_at in sorted(chosen.sample(range(1, TOUCHES), 8)):
        market.killed(die_at)
    assert any(market.deaths)
    market.settled()


def test_what_was_fetched_before_the_kill_is_not_fetched_again(market: Market) -> None:
    pages = published_folder(market.home) / "work" / "acme" / "pages" / "prices"
    while len(kept := list(pages.glob("[0-9]*"))) < 2:
        market.killed(8 + 2 * len(market.deaths))
    assert all(market.deaths)
    market.provider.asked.clear()
    market.killed()
    assert len(market.provider.asked) == PAGES - len(kept)
    assert not market.deaths[-1]


@pytest.mark.needs("time")
def test_200_kills_at_random_points_of_time_and_of_work(market: Market) -> None:
    chosen = random.Random(SEED)
    for _ in range(100):
        market.killed(chosen.randint(1, TOUCHES))
        market.killed(after_s=chosen.uniform(0, 0.8))
    assert sum(market.deaths) > 100
    market.settled()


def _readers(market: Market, processes: int, threads: int, swaps: int) -> tuple[int, int]:
    """Swap the catalog while readers look; return how many failed, and the least reads of one of them."""
    stop, failures, reads = (
        market.processes.Event(),
        market.processes.Queue(),
        market.processes.Queue(),
    )
    arguments = (market.home, stop, threads, failures, reads)
    running = [market.processes.Process(target=read_until, args=arguments) for _ in range(processes)]
    for process in running:
        process.start()
    for _ in range(swaps):
        assert refresh([PagedSource(market.provider.url)], market.home, accept=["moved", "alone"]).ok
        market.price = round(market.price * 1.01, 6)
    stop.set()
    counts = [reads.get(timeout=60) for _ in range(processes * threads)] if failures.empty() else [0]
    for process in running:
        process.join()
    return failures.qsize(), min(counts)


def test_readers_never_see_half_a_swap(market: Market) -> None:
    assert _readers(market, processes=2, threads=5, swaps=4)[0] == 0


@pytest.mark.needs("time")
def test_50_readers_never_see_half_of_60_swaps(market: Market) -> None:
    failed, least = _readers(market, processes=10, threads=5, swaps=60)
    assert failed == 0
    assert least > 1
