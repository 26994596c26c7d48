"""Refreshing: sources that fail alone, what is published, and what a second attempt uses again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from catalog import history
from catalog.errors import CatalogError, UserError
from catalog.facts import facts_of_rows, read_facts
from catalog.gather import work as work_of
from catalog.outcome import Status
from catalog.refresh import chosen, quarantine_file, refresh
from catalog.sources import registry
from catalog.sources.base import Work, endpoint
from catalog.store import find, open_snapshot, publish, use, verify

AT = datetime(2026, 11, 26, 6, 0, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def small_catalog(home: Path) -> None:
    """A catalog of two clouds in use, so that a refresh takes a tenth of a second."""
    table = open_snapshot().table
    publish(table.filter(pc.is_in(table["cloud"].cast(pa.utf8()), pa.array(["lambda", "nebius"]))))


def row(cloud: str, size: int = 1, **change: Any) -> dict[str, Any]:
    return {
        "cloud": cloud,
        "region": "r1",
        "instance_type": f"m{size}",
        "vcpus": 4,
        "memory_gib": 16,
        "price": 0.2,
        "source": "list",
        **change,
    }


def rows(cloud: str, **change: Any) -> list[dict[str, Any]]:
    return [row(cloud, size, **change) for size in range(1, 31)]


@dataclass
class Listed:
    """A source of the rows that ``answer`` gives."""

    cloud: str
    answer: Callable[[], list[dict[str, Any]]]
    currency: str = "USD"
    credentials: str = "none"
    untold: None = None
    fetched: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.cloud

    def fetch(self, work: Work) -> pa.Table:
        self.fetched.append(work.try_id())
        return facts_of_rows(self.answer(), self.currency)


def prices(cloud: str) -> dict[str, int]:
    table = open_snapshot().table
    mine = table.filter(pc.equal(table["cloud"].cast(pa.utf8()), cloud))
    return dict(zip(mine["instance_type"].to_pylist(), mine["price_micro_usd"].to_pylist(), strict=True))


def test_a_new_cloud_joins_the_others_and_a_second_refresh_changes_nothing() -> None:
    before = open_snapshot()
    source = Listed("acme", lambda: rows("acme"))
    outcome = refresh([source], at=AT)
    after = open_snapshot()
    assert (outcome.ok, outcome.before, outcome.snapshot_id) == (True, before.snapshot_id, after.snapshot_id)
    assert after.rows == before.rows + 30
    assert outcome.changes["acme"].added == 30
    verify(after)
    assert json.loads(after.table.schema.metadata[b"provenance"])["acme"]["rows"] == 30
    again = refresh([source])
    assert (again.snapshot_id, again.changes) == (after.snapshot_id, {})
    assert len(set(source.fetched)) == 2


def test_the_clouds_that_were_not_asked_stay_byte_for_byte() -> None:
    before = open_snapshot().table
    refresh([Listed("acme", lambda: rows("acme"))])
    after = open_snapshot().table
    kept = after.filter(pc.not_equal(after["cloud"].cast(pa.utf8()), "acme"))
    for name in before.column_names:
        plain = pa.utf8() if pa.types.is_dictionary(before.schema.field(name).type) else before[name].type
        assert kept[name].cast(plain).equals(before[name].cast(plain)), name


def test_the_real_fact_files_refresh_to_what_they_are() -> None:
    from catalog.build import FACTS

    lists = {cloud: read_facts(FACTS / f"{cloud}.parquet") for cloud in ("lambda", "nebius")}
    sources = [Listed(cloud, table.to_pylist) for cloud, table in lists.items()]
    outcome = refresh(sources)
    assert (outcome.ok, outcome.changes, outcome.snapshot_id) == (True, {}, outcome.before)


def _broken() -> list[dict[str, Any]]:
    raise ZeroDivisionError("by mistake")


def test_one_bad_source_never_takes_down_the_others() -> None:
    sources = [
        Listed("acme", lambda: rows("acme")),
        Listed("broken", _broken),
        Listed("foreign", lambda: rows("foreign"), currency="EUR"),
        Listed("nonsense", lambda: [{"colour": "red"}]),
        Listed("huge", lambda: rows("huge", memory_gib=1e12)),
    ]
    outcome = refresh(sources, jobs=2)
    assert {each.cloud: each.status for each in outcome.sources} == {
        "acme": Status.PASSED,
        "broken": Status.FAILED,
        "foreign": Status.HELD_BACK,
        "nonsense": Status.FAILED,
        "huge": Status.FAILED,
    }
    errors = {each.cloud: each.error for each in outcome.sources}
    assert "ZeroDivisionError: by mistake; this is a defect of the source" in errors["broken"]
    assert not outcome.ok
    assert set(open_snapshot().table["cloud"].cast(pa.utf8()).to_pylist()) == {"acme", "lambda", "nebius"}
    assert prices("foreign") == {}


def test_doubtful_rows_are_set_apart_and_their_old_offers_stay() -> None:
    refresh([Listed("acme", lambda: rows("acme"))])
    wrong = [row("acme", size, price=0.002 if size == 7 else 0.2) for size in range(1, 32)]
    outcome = refresh([Listed("acme", lambda: wrong)])
    (mine,) = outcome.sources
    assert (mine.status, mine.quarantined) == (Status.PASSED, 1)
    assert prices("acme")["m7"] == 200_000
    assert prices("acme")["m31"] == 200_000
    import pyarrow.parquet as pq

    (kept,) = pq.ParquetFile(mine.quarantine).read().to_pylist()
    assert (kept["instance_type"], kept["price"], kept["gate"]) == ("m7", 0.002, "alone")
    refresh([Listed("acme", lambda: rows("acme"))])
    assert not quarantine_file("acme").exists()


def test_a_held_back_source_is_judged_again_without_fetching_and_accepting_is_recorded() -> None:
    refresh([Listed("acme", lambda: rows("acme"))])
    source = Listed("acme", lambda: rows("acme", price=0.3))
    held = refresh([source])
    assert [each.status for each in held.sources] == [Status.HELD_BACK]
    assert held.snapshot_id == held.before
    assert set(prices("acme").values()) == {200_000}
    outcome = refresh([source], accept=["moved", "alone"])
    assert (outcome.ok, len(source.fetched)) == (True, 1)
    assert set(prices("acme").values()) == {300_000}
    assert history.refreshes()[-1].accepted == {"acme": ["moved"]}
    provenance = json.loads(open_snapshot().table.schema.metadata[b"provenance"])
    assert provenance["acme"]["accepted"] == ["moved"]


def test_what_was_fetched_before_a_crash_is_used_and_fresh_fetches_anew() -> None:
    source = Listed("acme", lambda: rows("acme"), currency="EUR")
    refresh([source])
    refresh([source])
    assert len(source.fetched) == 1
    refresh([source], fresh=True)
    assert len(source.fetched) == 2


def test_facts_that_a_crash_damaged_are_fetched_again() -> None:
    source = Listed("acme", lambda: rows("acme"), currency="EUR")
    refresh([source])
    (work_of("acme").folder / "facts.parquet").write_bytes(b"half")
    refresh([source])
    assert len(source.fetched) == 2


def test_a_crash_right_after_the_swap_leaves_no_gap_in_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    settle, calls = history.settle, []

    def crash_the_second_time(snapshot_id: str, home: Path | None = None) -> None:
        calls.append(snapshot_id)
        if len(calls) == 2:
            raise KeyboardInterrupt
        settle(snapshot_id, home)

    with monkeypatch.context() as patched:
        patched.setattr(history, "settle", crash_the_second_time)
        with pytest.raises(KeyboardInterrupt):
            refresh([Listed("acme", lambda: rows("acme"))])
    assert history.refreshes() == []
    refresh([Listed("acme", lambda: rows("acme"))])
    (only,) = history.refreshes()
    assert (only.snapshot_id, only.changed) == (open_snapshot().snapshot_id, 30)


def test_two_refreshes_do_not_run_at_once() -> None:
    entered, leave = threading.Event(), threading.Event()

    def answer() -> list[dict[str, Any]]:
        entered.set()
        assert leave.wait(30)
        return rows("acme")

    first = threading.Thread(target=lambda: refresh([Listed("acme", answer)]))
    first.start()
    try:
        assert entered.wait(30)
        with pytest.raises(CatalogError, match="another refresh"):
            refresh([Listed("acme", lambda: rows("acme"))])
    finally:
        leave.set()
        first.join()
    assert len(prices("acme")) == 30


def test_sources_are_asked_at_once_but_not_more_than_jobs() -> None:
    both = threading.Barrier(2, timeout=30)

    def answer() -> list[dict[str, Any]]:
        both.wait()
        return rows(threading.current_thread().name)

    sources = [Listed(cloud, answer) for cloud in ("a", "b")]
    assert not both.broken
    refresh(sources, jobs=2)
    assert not both.broken


def test_the_way_back_and_forth() -> None:
    before = open_snapshot().snapshot_id
    outcome = refresh([Listed("acme", lambda: rows("acme"))])
    assert use(before[:8]).snapshot_id == before == open_snapshot().snapshot_id
    embedded = use("embedded").snapshot_id
    assert embedded == open_snapshot().snapshot_id == find(embedded[:8]).snapshot_id
    assert use(outcome.snapshot_id[:8]).snapshot_id == open_snapshot().snapshot_id == outcome.snapshot_id
    for name in ("f" * 64, ""):
        with pytest.raises(UserError, match="sky catalog ls"):
            find(name)
    offers = open_snapshot().folder / "offers.arrow"
    content = bytearray(offers.read_bytes())
    content[len(content) // 2] ^= 1
    offers.write_bytes(content)
    with pytest.raises(CatalogError, match="damaged"):
        use(outcome.snapshot_id)


def test_what_cannot_be_asked_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    source = Listed("acme", lambda: rows("acme"))
    with pytest.raises(UserError, match="one source for each cloud"):
        refresh([source, source])
    with pytest.raises(UserError, match="no gate price-check"):
        refresh([source], accept=["price-check"])
    with pytest.raises(UserError, match="no catalog source 'acmee'"):
        chosen(["acmee"])
    assert source.fetched == []


def test_sources_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Listed("acme", lambda: rows("acme"))
    registry.register("acme", lambda: source)
    try:
        assert chosen(["acme"]) == (source,)
        assert "acme" in registry.names()
        with pytest.raises(UserError, match="did you mean acme"):
            registry.load("acmee")
    finally:
        registry.unregister("acme")
    for name in registry.names():
        found = registry.load(name)
        assert (found.name, bool(found.cloud), bool(found.credentials)) == (name, True, True)


def test_an_endpoint_can_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoint("acme-prices", "https://acme.test/") == "https://acme.test"
    monkeypatch.setenv("SKY_CATALOG_ACME_PRICES_URL", "http://mirror/")
    assert endpoint("acme-prices", "https://acme.test/") == "http://mirror"
