"""``python -m bench.suite.resolve [INSTANCE ...]``: plan again after one more block, as a failover does.

Each again starts from what the one before left, is compared with a plan made from nothing, and blocks what
that plan chose. The figures go to ``bench/results/resolve.json``, too.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random

import numpy as np

from bench import kept
from bench.family import instance_of, registry
from catalog.scope import Scope
from catalog.transfer import DEFAULT
from solver.api import solve_request
from solver.memory import Memory
from solver.params import Params
from solver.plan import CatalogInfo
from solver.problem import Problem
from solver.request import Objective, Request
from solver.result import Result
from solver.solve import solve

RESULTS = kept.FOLDER / "resolve.json"

KEY = ("instance", "objective")

ROUNDS = 5

REQUESTS = (("blocked", "50"), ("blocked", "500"))
GRAPHS = (
    ("sparse", "100"),
    ("sparse_heavy", "100"),
    ("layered", "100"),
    ("tree", "1000"),
    ("layered", "1000"),
    ("sparse", "1000"),
    ("sparse_heavy", "1000"),
)


@dataclass(frozen=True, slots=True)
class Resolve:
    """The median seconds of planning for the first time and again, over a few more blocks one by one.

    Seconds of this process on a processor: on a busy machine, waiting would count more for the longer one.
    """

    instance: str
    objective: str
    tasks: int
    blocks: int
    first_seconds: float
    again_seconds: float
    ratio: float
    same_plan: bool


def main() -> int:
    """Measure, print, keep row by row; fail if any plan differs from the one made from nothing."""
    found = []
    wanted = sys.argv[1:]
    print(f"{'instance':<20} {'objective':<9} {'first':>9} {'again':>9} {'ratio':>7}")
    for one in _measured(wanted):
        found.append(one)
        kept.keep(RESULTS, [asdict(one)], KEY)
        times = f"{one.first_seconds * 1e3:>6.1f} ms {one.again_seconds * 1e3:>6.1f} ms"
        print(f"{one.instance:<20} {one.objective:<9} {times} {one.ratio:>7.3f}", flush=True)
    wrong = [f"{one.instance} {one.objective}" for one in found if not one.same_plan]
    for name in wrong:
        print(f"another plan than from nothing: {name}", file=sys.stderr)
    return 1 if wrong else 0


def _measured(wanted: Sequence[str]) -> Iterator[Resolve]:
    """Yield the rows of the instances ``wanted``, of all if none is named."""
    for family, size in REQUESTS:
        if wanted and f"{family}-{size}" not in wanted:
            continue
        kind = registry()[family]
        assert kind.request is not None
        for objective in Objective:
            request = kind.request(kind.sizes[size], kind.seed, objective)
            yield _of_request(f"{family}-{size}", request)
    for family, size in GRAPHS:
        if wanted and f"{family}-{size}" not in wanted:
            continue
        instance = instance_of(family, size)
        yield _of_problem(instance.name, instance.to_problem(Objective.COST))


def _of_request(name: str, request: Request) -> Resolve:
    from bench.offers import offers

    table, info, memory = offers(), CatalogInfo("", "", 0), Memory()
    blocks = len(request.blocks)
    plan = solve_request(request, table, DEFAULT, info, None, memory)
    first, again, same = [], [], True
    for _ in range(ROUNDS):
        choice = plan.tasks[0].choice
        lost = Scope(cloud=choice.cloud, region=choice.region, instance_type=choice.instance_type)
        request = replace(request, blocks=(*request.blocks, lost))
        started = time.process_time()
        plan = solve_request(request, table, DEFAULT, info, None, memory)
        again.append(time.process_time() - started)
        started = time.process_time()
        fresh = solve_request(request, table, DEFAULT, info)
        first.append(time.process_time() - started)
        same = same and fresh.tasks[0].choice == plan.tasks[0].choice
    return _row(name, request.objective, len(request.tasks), blocks, (first, again), same)


def _of_problem(name: str, problem: Problem) -> Resolve:
    objective, tasks, rng = problem.objective, len(problem.names), Random(1)
    last = solve(problem, Params())
    first, again, same = [], [], True
    for _ in range(ROUNDS):
        problem = _without(problem, last, rng.randrange(tasks))
        started = time.process_time()
        last = solve(problem, Params(), last)
        again.append(time.process_time() - started)
        started = time.process_time()
        fresh = solve(problem, Params())
        first.append(time.process_time() - started)
        same = same and _rows(fresh) == _rows(last)
    return _row(name, objective, tasks, 1, (first, again), same)


def _without(problem: Problem, result: Result, task: int) -> Problem:
    """Return the problem without the candidate that ``result`` chose for ``task``."""
    chosen = result.problem.rank.pick(result.schedule.choice)[task]
    return problem.keep((problem.cost.row_of != task) | (problem.rank.flat != chosen))


def _rows(result: Result) -> list[int]:
    return np.asarray(result.problem.row.pick(result.schedule.choice)).tolist()


def _row(
    name: str,
    objective: Objective,
    tasks: int,
    blocks: int,
    times: tuple[list[float], list[float]],
    same: bool,
) -> Resolve:
    first, again = map(statistics.median, times)
    return Resolve(
        instance=name,
        objective=objective.value,
        tasks=tasks,
        blocks=blocks,
        first_seconds=round(first, 6),
        again_seconds=round(again, 6),
        ratio=round(again / first, 4),
        same_plan=same,
    )


if __name__ == "__main__":
    sys.exit(main())
