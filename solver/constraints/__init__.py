"""The rules of a plan, one a file: ``applies``, ``post`` (into CP-SAT) and ``check`` (arithmetic).

``check`` is a second, independent reading of the rule: it returns what is wrong with a finished schedule, one
sentence each, and shares no code with ``post`` or with the schedule's own arithmetic.
"""

from __future__ import annotations

from solver.constraints import choice, precedence, transfer
from solver.problem import Problem
from solver.schedule import Schedule

__all__ = ["violations"]


def violations(problem: Problem, answer: Schedule) -> list[str]:
    """Return every way in which ``answer`` breaks a rule of ``problem``; empty if it is a plan."""
    broken = choice.check(problem, answer)
    if not broken and transfer.applies(problem):
        broken = transfer.check(problem, answer)
    return broken or precedence.check(problem, answer)
