"""Judge: an answer counts only if its plan is worth what it says and contradicts nothing that is proven."""

from __future__ import annotations

from dataclasses import replace

from bench.competitor import Answer, Competitor
from bench.instance import Instance
from bench.suite.known import Known


def judged(
    answer: Answer, competitor: Competitor, instance: Instance, objective: str, known: Known | None
) -> Answer:
    """Return the answer with its value computed anew, or as an error that says what is wrong with it.

    A plan that is not called optimal may cost less than was claimed: a MIP solver that was stopped need not
    have lowered what its plan leaves free.
    """
    if answer.status in ("unsupported", "timeout", "error"):
        return answer
    solvable = bool((instance.start[1:] > instance.start[:-1]).all())
    if (answer.status == "infeasible") == solvable:
        return _wrong(answer, f"{answer.status}, though {'there is a plan' if solvable else 'nothing fits'}")
    if answer.status == "infeasible":
        return answer
    try:
        value = instance.evaluate(answer.choice)[objective == "time"]
    except ValueError as error:
        return _wrong(answer, str(error))
    slack = competitor.tolerance * value
    proven = answer.status == "optimal"
    if answer.value is None or answer.value < value - slack or (proven and answer.value > value + slack):
        return _wrong(answer, f"the plan is worth {value}, not {answer.value}")
    if proven and (answer.bound is None or abs(answer.bound - value) > slack):
        return _wrong(answer, f"called optimal with a bound of {answer.bound}")
    if known and known.value is not None:
        if answer.bound is not None and answer.bound > known.value + slack:
            return _wrong(answer, f"a bound of {answer.bound}, though there is a plan of {known.value}")
        if known.bound is not None and value < known.bound:
            return _wrong(answer, f"a plan of {value}, though {known.bound} is proven")
    return replace(answer, value=value)


def _wrong(answer: Answer, why: str) -> Answer:
    return replace(answer, status="error", note=why)
