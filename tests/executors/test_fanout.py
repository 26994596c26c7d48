"""One step on many nodes: all are tried, what failed is named, and Ctrl-C leaves nothing running."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from catalog.errors import UserError
from executors.errors import HostUnreachable, SyncFailed, Transient
from executors.fanout import NodesFailed, in_parallel, on_each


def ignore(_: int) -> None:
    """Cancel nothing."""


def test_each_node_has_its_result() -> None:
    assert on_each([2, 0, 1], lambda rank: rank * 10, step="x", cancel=ignore) == {0: 0, 1: 10, 2: 20}
    assert on_each([], lambda rank: rank, step="x", cancel=ignore) == {}


def test_all_are_tried_and_every_error_is_kept() -> None:
    tried = []

    def work(rank: int) -> None:
        tried.append(rank)
        if rank % 2:
            raise SyncFailed(f"no room on {rank}")

    with pytest.raises(
        NodesFailed, match="copying failed on 3 of 6 nodes: node 1: no room on 1; node 3"
    ) as caught:
        on_each(range(6), work, step="copying", cancel=ignore, limit=2)
    assert sorted(tried) == list(range(6))
    assert sorted(caught.value.errors) == [1, 3, 5]


def test_the_error_of_an_only_node_is_raised_as_it_is() -> None:
    def work(_: int) -> None:
        raise HostUnreachable("gone", "h")

    with pytest.raises(HostUnreachable, match=r"^gone$"):
        on_each([0], work, step="x", cancel=ignore)


def test_no_more_than_the_limit_run_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(3)

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(10)
        with lock:
            running -= 1

    on_each(range(6), work, step="x", cancel=ignore, limit=3)
    assert most == 3


@pytest.mark.parametrize("interrupt", ["signal", "bug"])
def test_what_runs_is_cancelled_and_what_waits_never_begins(interrupt: str) -> None:
    begun: list[int] = []
    ends = {rank: threading.Event() for rank in range(10)}
    full = threading.Barrier(3)

    def work(rank: int) -> None:
        begun.append(rank)
        full.wait(10)
        if rank == 2:
            if interrupt == "bug":
                raise ZeroDivisionError
            os.kill(os.getpid(), signal.SIGINT)
        assert ends[rank].wait(10)

    with pytest.raises(KeyboardInterrupt if interrupt == "signal" else ZeroDivisionError):
        on_each(range(10), work, step="x", cancel=lambda rank: ends[rank].set(), limit=3)
    assert sorted(begun) == [0, 1, 2]


def test_what_is_no_nodes_fault_is_raised_as_it_is_when_all_were_tried() -> None:
    tried = []

    def work(rank: int) -> None:
        tried.append(rank)
        raise UserError("a wrong script") if rank else SyncFailed("no room")

    with pytest.raises(UserError, match="a wrong script"):
        on_each(range(3), work, step="x", cancel=ignore, limit=1)
    assert tried == [0, 1, 2]


def test_what_takes_too_long_is_given_up_and_the_others_have_answered() -> None:
    never = threading.Event()

    def work(item: str) -> str:
        if item == "slow":
            never.wait()
        if item == "broken":
            raise SyncFailed("no room")
        return item.upper()

    quick, slow, broken = in_parallel(["quick", "slow", "broken"], work, limit_s=0.5)
    assert quick.got() == "QUICK"
    assert isinstance(slow.error, Transient)
    assert isinstance(broken.error, SyncFailed)
    never.set()
