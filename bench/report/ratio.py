"""Ratio: our seconds over another's to the same proof, as far as it is known."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from bench.report import figure_text
from bench.report.results import PROVEN, STOPPED
from bench.suite.row import Row


@dataclass(frozen=True, slots=True)
class Ratio:
    """``sign`` is ``<`` where the other was stopped, ``>`` where ours was, and empty where both proved."""

    value: float
    sign: str = ""

    @property
    def badness(self) -> tuple[bool, float]:
        """What to sort by: without a proof of ours is worse than any ratio."""
        return self.sign == ">", self.value

    def __str__(self) -> str:
        return "no right answer" if self.value == inf else figure_text.factor(self.value, self.sign)


def ratio_of(ours: Row, theirs: Row) -> Ratio | None:
    """Return the ratio, ``None`` where neither proved or the other was wrong.

    The suite's own ratio is taken where there is one, since it is of unrounded seconds. That nothing fits is
    a proof like any other.
    """
    if ours.status == "error" and theirs.status in PROVEN:
        return Ratio(inf, ">")
    if ours.ratio_to_highs is not None and theirs.competitor == "highs":
        return Ratio(ours.ratio_to_highs, "<" if ours.ratio_is_bound else "")
    value = ours.seconds / max(theirs.seconds, figure_text.RESOLUTION_S)
    if ours.status in PROVEN and theirs.status == ours.status:
        return Ratio(value)
    if ours.status in PROVEN and theirs.status in STOPPED:
        return Ratio(value, "<")
    if ours.status in STOPPED and theirs.status in PROVEN:
        return Ratio(value, ">")
    return None
