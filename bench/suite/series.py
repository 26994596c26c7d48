"""Series: all competitors on one instance under one objective, run in turns."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from bench.competitor import Answer, registry
from bench.instance import Instance
from bench.suite.judge import judged
from bench.suite.known import Known, found_in
from bench.suite.process import ask
from bench.suite.row import Row, compared, row_of

LARGE = 1_000
"""Instances with so many tasks are run once unless asked."""

LONG_S = 10.0
"""A competitor that takes longer is not run again unless asked: noise is small against that."""

RUNS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """Who takes part, how often, for how long. ``runs`` of 0 leaves it to the instance's size."""

    competitors: Sequence[str]
    limit_s: float
    runs: int = 0


def measure(instance: Instance, file: Path, objective: str, plan: Plan, known: Known | None) -> list[Row]:
    """Return the rows of all competitors; one run of each, then the next, so that a busy spell hits all."""
    answers: dict[str, list[Answer]] = {name: [] for name in plan.competitors}
    for turn in range(plan.runs or (1 if instance.tasks >= LARGE else RUNS)):
        for name, so_far in answers.items():
            if turn and _done(so_far[-1], asked=bool(plan.runs)):
                continue
            say(f"{instance.name} {objective} {name}, run {turn + 1}")
            answer = ask(name, file, objective, plan.limit_s)
            so_far.append(judged(answer, registry()[name], instance, objective, known))
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    rows = [row_of(name, instance, objective, found, date) for name, found in answers.items()]
    values = [each.value for each in (known, found_in(rows)) if each and each.value is not None]
    return compared(rows, min(values, default=None))


def say(text: str) -> None:
    """Report progress."""
    print(text, file=sys.stderr, flush=True)


def _done(answer: Answer, *, asked: bool) -> bool:
    if answer.status not in ("optimal", "feasible", "infeasible"):
        return True
    return answer.seconds > LONG_S and not asked
