"""The same work in many places at once: each has its own time, and none waits for another."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar, cast

from catalog.errors import ExecutorError, SkyError
from executors.errors import Transient

_S = TypeVar("_S")
_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Answer(Generic[_T_co]):
    """What came of one place, or the error that came instead."""

    value: _T_co | None = None
    error: SkyError | None = None

    def got(self) -> _T_co:
        """Return the value. Raises the error that came instead."""
        if self.error is not None:
            raise self.error
        return cast("_T_co", self.value)


class NodesFailed(ExecutorError):
    """The step failed on some nodes; ``errors`` holds what each of them said, by rank."""

    def __init__(self, step: str, errors: Mapping[int, ExecutorError], nodes: int) -> None:
        listed = "; ".join(f"node {rank}: {error}" for rank, error in sorted(errors.items())[:5])
        more = f"; and {len(errors) - 5} more" if len(errors) > 5 else ""
        super().__init__(f"{step} failed on {len(errors)} of {nodes} nodes: {listed}{more}")
        self.errors: Mapping[int, ExecutorError] = MappingProxyType(dict(errors))


def in_parallel(
    items: Sequence[_S],
    work: Callable[[_S], _T],
    *,
    limit_s: float | None = None,
    at_once: int | None = None,
    cancel: Callable[[_S], None] | None = None,
) -> list[Answer[_T]]:
    """Do ``work`` to every item, all at once or ``at_once`` at a time; the answers are in the items' order.

    Every item is tried, whatever happens to the others: a ``SkyError`` is the answer of its item. With
    ``limit_s``, what takes longer is given up and its answer is ``Transient``; the thread that waits for it
    does not keep the process from ending. Any other exception, Ctrl-C above all, stops the rest: what has
    not begun never does, and ``cancel(item)`` is called for what runs, which has to make its ``work`` return
    or raise soon (close its transport, say); only then does the exception go on. Without ``cancel``, what
    runs is given up.
    """
    crew = _Crew(items, work, limit_s)
    try:
        crew.work(len(items) if at_once is None else min(at_once, len(items)))
    except BaseException:
        crew.stop(cancel)
        raise
    return list(crew.answers)


def on_each(
    nodes: Sequence[int],
    work: Callable[[int], _T],
    *,
    step: str,
    cancel: Callable[[int], None],
    limit: int = 32,
) -> dict[int, _T]:
    """Run ``work(rank)`` for all ``nodes``, at most ``limit`` at a time; returns what each returned.

    All are tried. The error of an only node, and what is no node's fault (no ``ExecutorError``), is raised as
    it is, other errors as ``NodesFailed``. What is no ``SkyError`` stops the rest, as in ``in_parallel``.
    """
    answers = dict(zip(nodes, in_parallel(nodes, work, at_once=limit, cancel=cancel), strict=True))
    faults: dict[int, ExecutorError] = {}
    for rank, answer in answers.items():
        if isinstance(answer.error, ExecutorError):
            faults[rank] = answer.error
        elif answer.error is not None:
            raise answer.error
    if faults and len(nodes) > 1:
        raise NodesFailed(step, faults, len(nodes))
    return {rank: answer.got() for rank, answer in answers.items()}


class _Crew(Generic[_S, _T]):
    """Threads that take items off one list, and what came of them."""

    def __init__(self, items: Sequence[_S], work: Callable[[_S], _T], limit_s: float | None) -> None:
        late: Answer[_T] = Answer(error=Transient(f"no answer within {limit_s or 0:g} s"))
        self.answers = [late] * len(items)
        self._work = work
        self._limit_s = limit_s
        self._items = items
        self._todo = deque(range(len(items)))
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def work(self, threads: int) -> None:
        """Have so many threads do it all, and wait until they have, or the time is over."""
        deadline = None if self._limit_s is None else time.monotonic() + self._limit_s
        for number in range(threads):
            thread = threading.Thread(target=self._serve, name=f"sky-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()
        for _ in range(threads):
            try:
                error = self._ended.get(
                    timeout=None if deadline is None else max(0.0, deadline - time.monotonic())
                )
            except queue.Empty:
                self.stop(None)
                return
            if error is not None:
                raise error

    def stop(self, cancel: Callable[[_S], None] | None) -> None:
        """Begin nothing more; make what runs end, where that can be done, and wait for that."""
        with self._lock:
            self._todo.clear()
            running = [self._items[position] for position in self._running]
        if cancel is None:
            return
        for item in running:
            with contextlib.suppress(ExecutorError):
                cancel(item)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        error: BaseException | None = None
        while error is None and (position := self._next()) is not None:
            try:
                self.answers[position] = Answer(self._work(self._items[position]))
            except SkyError as refusal:
                self.answers[position] = Answer(error=refusal)
            except BaseException as bug:
                error = bug
            with self._lock:
                self._running.discard(position)
        self._ended.put(error)

    def _next(self) -> int | None:
        with self._lock:
            if not self._todo:
                return None
            position = self._todo.popleft()
            self._running.add(position)
            return position
