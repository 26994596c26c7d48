"""Promise: how quick the optimizer and the commands are to be, and whether they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench.case import Case, Outcome, registry
from bench.report import figure_text
from bench.report.ratio import Ratio, ratio_of
from bench.report.results import PROVEN, Commands, Suite
from bench.suite.row import OURS, Row

SLOWEST = 1.5
"""Our time over that of HiGHS to the same proof, in every family."""

AGAIN_S = 0.020
AGAIN_ON = "blocked-500"
"""One task is planned anew in this time, with this many blocks."""

AGAIN_SHARE = 0.10
"""A graph is planned anew in this share of its first time."""


@dataclass(frozen=True, slots=True)
class Promise:
    """``limit_s`` to the proof, or to a plan within ``gap`` of our own proven bound."""

    objective: str
    tasks: int
    limit_s: float
    instances: tuple[str, ...]
    gap: float = 0.0


PROMISES = (
    Promise("cost", 100, 0.3, ("sparse-100", "sparse_heavy-100")),
    Promise("cost", 1_000, 3.0, ("sparse-1000", "sparse_heavy-1000")),
    Promise("cost", 10_000, 60.0, ("huge-10000",), gap=0.01),
    Promise("time", 100, 1.0, ("sparse-100", "sparse_heavy-100")),
    Promise("time", 1_000, 20.0, ("sparse-1000", "sparse_heavy-1000")),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A promise on one instance: what was measured, in words, and whether that keeps it."""

    says: str
    instance: str
    measured: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Timed:
    """A promise of seconds, our row, and the verdict."""

    promise: Promise
    row: Row
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst ratio to HiGHS in one family, over so many instances and objectives that have one."""

    family: str
    row: Row
    ratio: Ratio
    compared: int
    verdict: Verdict


def timed(suite: Suite) -> Iterator[Timed]:
    """Yield the promises of seconds, one an instance."""
    ours = suite.of(OURS)
    for promise in PROMISES:
        for instance in promise.instances:
            row = ours[instance, promise.objective]
            yield Timed(promise, row, _verdict(promise, row))


def worst(suite: Suite) -> Iterator[Worst]:
    """Yield each family's worst ratio to HiGHS."""
    for family in suite.families:
        ratios = [
            (ours, ratio)
            for ours, theirs in suite.pairs()
            if ours.family == family and (ratio := ratio_of(ours, theirs)) is not None
        ]
        if ratios:
            row, ratio = max(ratios, key=lambda pair: pair[1].badness)
            kept = ratio.sign != ">" and ratio.value <= SLOWEST
            says = f"at most {SLOWEST:g} times the time of HiGHS to the same proof: {family}"
            measured = f"{ratio} ({row.objective})"
            yield Worst(family, row, ratio, len(ratios), Verdict(says, row.instance, measured, kept))


def again(suite: Suite) -> Iterator[Verdict]:
    """Yield the promises about planning anew after one more block; none where that was not measured."""
    for each in suite.resolves:
        measured = (
            f"{figure_text.seconds(each.again_seconds)}, {figure_text.percent(each.ratio)} of the first"
        )
        if not each.same_plan:
            measured += "; not the plan of a fresh solve"
        name = f"{each.instance}, {each.objective}"
        if each.instance == AGAIN_ON:
            says = f"one task with {each.blocks} blocks anew in {AGAIN_S * 1e3:g} ms"
            yield Verdict(says, name, measured, each.same_plan and each.again_seconds <= AGAIN_S)
        elif each.tasks > 1:
            says = f"a graph anew in {AGAIN_SHARE * 100:g} % of its first time"
            yield Verdict(says, name, measured, each.same_plan and each.ratio <= AGAIN_SHARE)


def of_command(name: str, case: Case, outcome: Outcome) -> Iterator[Verdict]:
    """Yield the promises of one case of commands; what each says is its limit."""
    limits = (
        (case.target_ratio, outcome.ratio, " times"),
        (case.target_s, outcome.seconds, " s"),
        (case.target_mib, outcome.peak_mib, " MiB"),
    )
    for limit, value, unit in limits:
        if limit is not None:
            yield Verdict(f"{limit:.3g}{unit}", name, f"{value:.3g}{unit}", value <= limit)


def of_commands(commands: Commands | None) -> Iterator[Verdict]:
    """Yield the promises of all cases of commands that were measured."""
    cases = registry() if commands else {}
    for name, outcome in sorted(commands.outcomes.items()) if commands else ():
        if name in cases:
            for each in of_command(name, cases[name], outcome):
                yield replace(each, says=f"{cases[name].subject}: {each.says}")


def verdicts(suite: Suite, commands: Commands | None) -> list[Verdict]:
    """Return all verdicts."""
    return [
        *(each.verdict for each in timed(suite)),
        *(each.verdict for each in worst(suite)),
        *again(suite),
        *of_commands(commands),
    ]


def bound_gap(row: Row) -> float | None:
    """Return how much the plan is above the bound that its own solver proved."""
    return (row.value - row.bound) / row.bound if row.value is not None and row.bound else None


def _above(gap: float) -> str:
    return f"{figure_text.percent(gap)} above the bound" if gap else "at the bound"


def _verdict(promise: Promise, row: Row) -> Verdict:
    gap = bound_gap(row)
    took = figure_text.seconds(row.seconds)
    if promise.gap:
        says = f"within {promise.gap * 100:g} % of a proven bound"
        found = "no bound" if gap is None else _above(gap)
        measured = f"{took}, {found}"
        sound = row.status in ("optimal", "feasible") and gap is not None and gap <= promise.gap
    else:
        says, sound = "to the proof", row.status in PROVEN
        measured = took if sound else f"{row.status} after {took}"
    tasks = figure_text.count(promise.tasks, "task")
    text = f"{promise.objective}, {tasks}: {says} in {promise.limit_s:g} s"
    return Verdict(text, row.instance, measured, sound and row.seconds <= promise.limit_s)
