"""The same question to several providers at once, each with a limit on how long its answer may take."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from catalog.errors import ExecutorError, SkyError

_log = logging.getLogger("sky.control.polls")

_T = TypeVar("_T")

TIME_LIMIT_S = 30.0
"""How long a provider may take: its own retries included, and no user waits longer without asking why."""
_QUIET_S = 2.0


class NoAnswer(ExecutorError):
    """A provider did not answer in time; nothing follows from that."""


def poll(
    questions: Mapping[str, Callable[[], _T]], limit_s: float = TIME_LIMIT_S
) -> dict[str, _T | Exception]:
    """Return what each question came to, or the error that it raised, in the order asked.

    One that takes more than ``limit_s`` comes out as ``NoAnswer``; its thread is left behind. Whoever is
    waited for is named on the log once that has taken a while.
    """
    answers: SimpleQueue[tuple[str, _T | Exception]] = SimpleQueue()

    def ask(name: str, question: Callable[[], _T]) -> None:
        try:
            answers.put((name, question()))
        except Exception as error:  # another's bug, too, is that provider's answer alone
            answers.put((name, error))

    for name, question in questions.items():
        Thread(target=ask, args=(name, question), name=f"sky-ask-{name}", daemon=True).start()
    found: dict[str, _T | Exception] = {}
    begun, told = time.monotonic(), False
    while waiting := [name for name in questions if name not in found]:
        passed_s = time.monotonic() - begun
        left_s = (limit_s if told else min(_QUIET_S, limit_s)) - passed_s
        try:
            name, answer = answers.get(timeout=max(0.0, left_s))
            found[name] = answer
        except Empty:
            if told or limit_s <= _QUIET_S:
                break
            told = True
            _log.info("Waiting for an answer from %s", ", ".join(waiting))
    late = NoAnswer(f"no answer within {limit_s:g} s")
    return {name: found.get(name, late) for name in questions}


def said(error: Exception) -> str:
    """Return an error as a sentence for a person: ours as they are, others with their kind."""
    return str(error) if isinstance(error, SkyError) else f"{type(error).__name__}: {error}"
