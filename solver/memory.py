"""Memory: the last solve, from which the next starts when it differs only in more blocks.

A block takes plans away and adds none. So the last bound holds, the last plan is still the best one if
nothing of it is blocked, and the last dual ascent is where the next one begins. What is proven and unique is
the same with a memory or without; anything else is solved again without.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Lock

from solver.blocklist import added
from solver.columns import Columns
from solver.network import TransferTable
from solver.request import Request
from solver.result import Result


@dataclass(slots=True)
class Memory:
    """The last request that was proven, and its result; safe to share between threads."""

    _last: tuple[Columns, TransferTable, Request, Result] | None = None
    _lock: Lock = field(default_factory=Lock)

    def recall(self, columns: Columns, transfers: TransferTable, request: Request) -> Result | None:
        """Return the last result if ``request`` asks the same, over the same offers, with no block fewer."""
        with self._lock:
            last = self._last
        if last is None or last[0] is not columns or last[1] is not transfers:
            return None
        _, _, before, result = last
        if _unblocked(before) != _unblocked(request) or any(task.ordered for task in request.tasks):
            return None
        return result if _only_more_blocks(before, request) else None

    def keep(self, columns: Columns, transfers: TransferTable, request: Request, result: Result) -> None:
        """Remember ``result`` if it is proven and unique."""
        if result.unique:
            with self._lock:
                self._last = columns, transfers, request, result


def _unblocked(request: Request) -> Request:
    tasks = tuple(replace(task, blocks=()) for task in request.tasks)
    return replace(request, tasks=tasks, blocks=(), notes=())


def _only_more_blocks(before: Request, now: Request) -> bool:
    """Return whether every block of ``before`` is one of ``now``; their tasks are the same."""
    return added(before.blocks, now.blocks) is not None and all(
        added(task.blocks, again.blocks) is not None
        for task, again in zip(before.tasks, now.tasks, strict=True)
    )
