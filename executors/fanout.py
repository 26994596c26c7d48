"""The same step on many nodes at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import MappingProxyType
from typing import TypeVar

from catalog.errors import ExecutorError

_log = logging.getLogger("sky.executors")
_T = TypeVar("_T")
_TICK_S = 0.2


class NodesFailed(ExecutorError):
    """The step failed on some nodes; ``errors`` holds what each of them said, by rank."""

    def __init__(self, step: str, errors: Mapping[int, ExecutorError], nodes: int) -> None:
        listed = "; ".join(f"node {rank}: {error}" for rank, error in sorted(errors.items())[:5])
        more = f"; and {len(errors) - 5} more" if len(errors) > 5 else ""
        super().__init__(f"{step} failed on {len(errors)} of {nodes} nodes: {listed}{more}")
        self.errors: Mapping[int, ExecutorError] = MappingProxyType(dict(errors))


def on_each(
    nodes: Sequence[int],
    work: Callable[[int], _T],
    *,
    step: str,
    cancel: Callable[[int], None],
    limit: int = 32,
) -> dict[int, _T]:
    """Run ``work(rank)`` for all ``nodes``, at most ``limit`` at a time; returns what each returned.

    Every node is tried, whatever happens to the others. One node's ``ExecutorError`` is raised as it is when
    it is the only node, several as ``NodesFailed``. Any other exception, Ctrl-C above all, stops the rest:
    what has not begun never does, and ``cancel(rank)`` is called for what runs, which has to make its
    ``work`` return or raise soon (close its transport, say); only then does the exception go on.
    """
    if not nodes:
        return {}
    with ThreadPoolExecutor(min(limit, len(nodes)), thread_name_prefix="node") as pool:
        futures = {pool.submit(work, rank): rank for rank in nodes}
        try:
            _wait(futures)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for future, rank in futures.items():
                if future.running():
                    _cancel(cancel, rank)
            raise
    errors = {rank: error for future, rank in futures.items() if (error := _error(future))}
    if errors and len(nodes) == 1:
        raise next(iter(errors.values()))
    if errors:
        raise NodesFailed(step, errors, len(nodes))
    return {rank: future.result() for future, rank in futures.items()}


def _wait(futures: Mapping[Future[_T], int]) -> None:
    """Wait for all; raises at once what is no node's failure. Wakes up now and then, for signals."""
    left = set(futures)
    while left:
        done, left = wait(left, timeout=_TICK_S, return_when=FIRST_COMPLETED)
        for future in done:
            _error(future)


def _error(future: Future[_T]) -> ExecutorError | None:
    error = future.exception()
    if error is None or isinstance(error, ExecutorError):
        return error
    raise error


def _cancel(cancel: Callable[[int], None], rank: int) -> None:
    try:
        cancel(rank)
    except ExecutorError as error:
        _log.debug("node %d could not be interrupted: %s", rank, error)
