"""What every database behind the cluster store must do; each runs it by subclassing ``StoreSuite``."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from catalog.offer import Market, Offer, OfferKey
from catalog.scope import Scope
from sky.control.locks import ClusterBusy
from sky.control.records import RACER, Attempt, ClusterRecord, IllegalTransition
from sky.control.state import StaleRecord, Store
from sky.statuses import ClusterStatus

OFFER = Offer(
    key=OfferKey("aws", "us-east-1", "us-east-1a", "p4d.24xlarge", "A100", 8_000, Market.SPOT),
    vcpus_milli=96_000,
    memory_mib=1_179_648,
    accelerator_memory_mib=40_960,
    arch="x86_64",
    price_micro_usd=7_200_000,
)


def record(name: str = "dev", **changes: object) -> ClusterRecord:
    values: dict[str, object] = {
        "name": name,
        "cluster_id": f"{name}-1",
        "executor": "aws",
        "offer": OFFER,
        "num_nodes": 2,
        "resources": {"accelerators": {"A100": 8}, "labels": {"team": "é"}},
        "plan": {"tasks": [1, 2]},
        **changes,
    }
    return ClusterRecord(**values)  # type: ignore[arg-type]


class Clock:
    """A clock that tests set."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class StoreSuite:
    """Behaviour of ``Store``. ``store`` and ``clock`` come from the subclass's module."""

    def test_the_reason_goes_when_it_is_up(self, store: Store) -> None:
        lost = store.update(store.add(record()), reason="host a does not answer")
        assert store.get("dev") == lost
        assert lost.reason == "host a does not answer"
        assert store.update(lost, status=ClusterStatus.UP).reason == ""

    def test_reads_back_what_was_committed(self, store: Store) -> None:
        stored = store.add(record(handle={"folder": "/x"}, autostop_minutes=5, to_down=True))
        assert store.get("dev") == stored
        assert stored.version == 1
        assert store.get("other") is None

    def test_a_name_is_taken_once(self, store: Store) -> None:
        store.add(record())
        with pytest.raises(StaleRecord, match="dev"):
            store.add(record(cluster_id="dev-2"))
        assert store.get("dev").cluster_id == "dev-1"  # type: ignore[union-attr]

    def test_an_update_from_an_old_version_loses(self, store: Store) -> None:
        old = store.add(record())
        new = store.update(old, last_use="first")
        with pytest.raises(StaleRecord):
            store.update(old, last_use="second")
        with pytest.raises(StaleRecord):
            store.close(old)
        assert store.get("dev") == new

    def test_an_update_of_a_namesake_loses(self, store: Store) -> None:
        first = store.add(record())
        store.close(first)
        store.add(record(cluster_id="dev-2"))
        with pytest.raises(StaleRecord):
            store.update(first, last_use="late")

    def test_status_moves_only_along_the_table(self, store: Store, clock: Clock) -> None:
        made = store.add(record())
        up = store.update(made, status=ClusterStatus.UP)
        clock.now += 10
        stopped = store.update(up, status=ClusterStatus.STOPPED)
        assert (up.ever_up, stopped.status_at - up.status_at) == (True, 10)
        with pytest.raises(IllegalTransition, match="STOPPED cannot become UP"):
            store.update(stopped, status=ClusterStatus.UP)
        assert store.get("dev") == stopped

    def test_the_newest_launch_comes_first(self, store: Store) -> None:
        for name, at in (("a", 1), ("c", 3), ("b", 2)):
            store.add(record(name, launched_at=at))
        assert [found.name for found in store.records()] == ["c", "b", "a"]

    def test_every_winning_update_is_counted_once(self, store: Store) -> None:
        store.add(record())
        writers, rounds = 4, 5
        barrier = Barrier(writers)

        def append(entry: str) -> bool:
            current = store.get("dev")
            assert current is not None
            try:
                store.update(current, last_use=f"{current.last_use}|{entry}")
            except StaleRecord:
                return False
            return True

        def write(writer: int) -> None:
            with store.thread():
                barrier.wait()
                for turn in range(rounds):
                    while not append(f"{writer}.{turn}"):
                        pass

        with ThreadPoolExecutor(writers) as pool:
            list(pool.map(write, range(writers)))
        final = store.get("dev")
        assert final is not None
        entries = final.last_use.strip("|").split("|")
        assert sorted(entries) == sorted(
            f"{writer}.{turn}" for writer in range(writers) for turn in range(rounds)
        )
        assert final.version == 1 + writers * rounds

    def test_a_racer_takes_the_name_that_is_free_once(self, store: Store, clock: Clock) -> None:
        first, second, other = (
            store.add(record(f"{name}{RACER}{lane}", cluster_id=f"{name}-{lane}", handle={"x": "y"}))
            for name, lane in (("dev", 1), ("dev", 2), ("de", 1))
        )
        assert {found.name for found in store.aside("dev")} == {first.name, second.name}
        won = store.rename(second, "dev")
        assert store.get("dev") == won
        assert (won.cluster_id, won.version, won.cluster_name) == ("dev-2", 2, "dev")
        with pytest.raises(StaleRecord):
            store.rename(first, "dev")
        with pytest.raises(StaleRecord):
            store.rename(second, "late")
        assert store.aside("dev") == [first]
        names = {interval.cluster_id: interval.cluster_name for interval in store.usage()}
        assert names == {"dev-1": first.name, "dev-2": "dev", "de-1": other.name}

    def test_attempts_stand_until_they_end(self, store: Store, clock: Clock) -> None:
        made = [
            Attempt("dev", f"dev-{n}", 1_000 + n, "Kind", Scope("aws"), 100, "none", n) for n in (1, 2, 3)
        ]
        for attempt in made:
            store.add_attempt(attempt)
        assert store.standing_attempts() == made
        store.end_attempts(made[:1])
        clock.now = 1_102.0
        assert store.standing_attempts() == made[2:]
        assert store.attempts("dev-1")[0].ttl_s <= 0

    def test_nodes_are_paid_for_from_the_first_handle_until_they_stop(
        self, store: Store, clock: Clock
    ) -> None:
        made = store.add(record())
        assert store.usage() == []
        clock.now = 2_000
        up = store.update(store.update(made, handle={"id": "i-1"}), status=ClusterStatus.UP)
        clock.now = 5_600
        stopped = store.update(up, status=ClusterStatus.STOPPED)
        clock.now = 9_000
        again = store.update(stopped, status=ClusterStatus.INIT)
        clock.now = 9_100
        store.close(again)
        first, second = store.usage()
        assert (first.started_at, first.ended_at) == (2_000, 5_600)
        assert (second.started_at, second.ended_at) == (9_000, 9_100)
        assert first.cost_micro_usd(now=99_999) == 2 * 7_200_000
        assert first.offer == OFFER

    def test_a_running_interval_grows(self, store: Store, clock: Clock) -> None:
        store.add(record(handle={"id": "i-1"}))
        (interval,) = store.usage()
        assert interval.ended_at is None
        assert interval.seconds(int(clock.now) + 60) == 60

    def test_what_stopped_itself_is_paid_for_until_it_did(self, store: Store, clock: Clock) -> None:
        clock.now = 2_000
        up = store.update(store.add(record(handle={"id": "i-1"})), status=ClusterStatus.UP)
        clock.now = 9_000
        stopped = store.update(up, since=5_000, status=ClusterStatus.STOPPED)
        store.close(store.update(stopped, status=ClusterStatus.INIT), since=8_000)
        assert [(each.started_at, each.ended_at) for each in store.usage()] == [
            (2_000, 5_000),
            (9_000, 9_000),
        ]

    def test_a_providers_clock_ends_nothing_in_the_future(self, store: Store, clock: Clock) -> None:
        store.close(store.add(record(handle={"id": "i-1"})), since=int(clock.now) + 60)
        assert store.usage()[0].ended_at == clock.now

    def test_a_clusters_life_is_kept_when_its_record_goes(self, store: Store, clock: Clock) -> None:
        made = store.add(record(owner="ada", last_use="sky launch"))
        clock.now += 10
        store.add(record("other"))
        store.close(store.update(made, last_use="sky down dev"))
        other, dev = store.lifetimes()
        assert (other.name, other.closed_at) == ("other", None)
        assert (dev.cluster_id, dev.owner, dev.num_nodes, dev.offer) == ("dev-1", "ada", 2, OFFER)
        assert (dev.created_at, dev.closed_at, dev.last_use) == (1_000, 1_010, "sky down dev")

    def test_a_refused_change_leaves_no_trace(self, store: Store, clock: Clock) -> None:
        made = store.add(record(handle={"id": "i-1"}))
        store.update(made, last_use="newer")
        with pytest.raises(StaleRecord):
            store.close(made)
        with pytest.raises(StaleRecord):
            store.add(record(cluster_id="dev-2"))
        assert [life.cluster_id for life in store.lifetimes()] == ["dev-1"]
        assert store.lifetimes()[0].closed_at is None
        assert store.usage()[0].ended_at is None

    def test_attempts_are_appended(self, store: Store) -> None:
        tries = [
            Attempt(
                "dev",
                "dev-1",
                at,
                "OutOfCapacity",
                Scope(cloud="aws", zone="z", market=Market.SPOT),
                60,
                "none left",
            )
            for at in (1, 2)
        ]
        for attempt in tries:
            store.add_attempt(attempt)
        assert store.attempts("dev-1") == tries
        assert store.attempts("dev-2") == []

    def test_one_holder_of_a_lock(self, store: Store) -> None:
        with (
            store.lock("dev"),
            store.lock("other"),
            pytest.raises(ClusterBusy, match="dev"),
            store.lock("dev", 0),
        ):
            pass
        with store.lock("dev", 0):
            pass

    def test_a_waiter_gets_the_lock_when_it_is_free(self, store: Store) -> None:
        with ThreadPoolExecutor(1) as pool:
            with store.lock("dev"):
                waiter = pool.submit(self._take, store.lock, "dev")
            assert waiter.result(timeout=30) == "taken"

    @staticmethod
    def _take(lock: Callable[..., object], name: str) -> str:
        with lock(name, 30.0):  # type: ignore[attr-defined]
            return "taken"

    def test_waiting_ends(self, store: Store) -> None:
        with store.lock("dev"), pytest.raises(ClusterBusy), store.lock("dev", 0.2):
            pass
