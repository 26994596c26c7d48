"""Losers: the racers of a launch that were not first, removed while it goes on, and awaited at its end."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import Future, wait
from types import TracebackType
from typing import Any

from sky.exceptions import StopFailoverError

_log = logging.getLogger("sky.launch")


class Losers:
    """``with Losers() as losers:`` over a launch: it ends when nothing of those in ``losers`` runs any more.

    Raises ``StopFailoverError`` at the end for one that could not be removed. Where the launch fails by
    itself, that is logged beside its own error.
    """

    def __init__(self) -> None:
        self._runs: list[Future[Any]] = []

    def add(self, runs: Iterable[Future[Any]]) -> None:
        """Await these at the end, too."""
        self._runs += runs

    def __enter__(self) -> Losers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not all(run.done() for run in self._runs):
            _log.info("Waiting until the others of the race are removed")
        wait(self._runs)
        failures = [failure for run in self._runs if (failure := run.exception()) is not None]
        loud = next((each for each in failures if isinstance(each, StopFailoverError)), None)
        for failure in failures:
            if failure is not loud or error is not None:
                _log.warning("%s", failure)
        if loud is not None and error is None:
            raise loud
