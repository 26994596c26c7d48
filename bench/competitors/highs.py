"""HiGHS, the fastest free MIP solver, on the program of ``bench.mip``."""

from __future__ import annotations

import math
import time
from random import Random

import numpy as np

from bench.competitor import Answer, Competitor, run
from bench.draw import drawn
from bench.instance import Instance
from bench.mip import program_of

THREADS = 2


def solve(instance: Instance, objective: str, limit_s: float) -> Answer:
    """Solve the program until the gap is less than one unit, after a small one that loads everything."""
    _solve(drawn(Random(1), 1, 2, [(0, 1)]), objective, limit_s)
    return _solve(instance, objective, limit_s)


def _solve(instance: Instance, objective: str, limit_s: float) -> Answer:
    import highspy  # type: ignore[import-not-found, unused-ignore]

    started = time.perf_counter()
    program = program_of(instance, time=objective == "time")
    solver = highspy.Highs()
    options = {"output_flag": False, "threads": THREADS, "mip_rel_gap": 0.0, "mip_abs_gap": 0.99}
    for name, value in (options | {"time_limit": limit_s}).items():
        solver.setOptionValue(name, value)
    columns = len(program.objective)
    integrality = (np.arange(columns) < program.binaries).astype(np.int32)
    solver.passModel(
        *(columns, len(program.row_lower), len(program.value)),
        *(int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), 0.0),
        *(program.objective, np.zeros(columns), program.upper, program.row_lower, program.row_upper),
        *(program.start, program.index, program.value, integrality),
    )
    built = time.perf_counter()
    solver.run()
    seconds = time.perf_counter() - built
    info = solver.getInfo()
    found = bool(info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible)
    columns_found = np.array(solver.getSolution().col_value)
    return Answer(
        status=_status(str(solver.getModelStatus()).rpartition(".")[2], found),
        value=round(info.objective_function_value) if found else None,
        bound=math.ceil(info.mip_dual_bound - 0.01) if math.isfinite(info.mip_dual_bound) else None,
        choice=program.choice(columns_found, instance) if found else [],
        build_seconds=built - started,
        solve_seconds=seconds,
        version=solver.version(),
    )


def _status(model_status: str, found: bool) -> str:
    if model_status in ("kInfeasible", "kModelEmpty"):
        return "infeasible"
    if model_status == "kOptimal":
        return "optimal"
    return "feasible" if found else "timeout"


COMPETITOR = Competitor("HiGHS", solve, venv="highs", tolerance=1e-6)

if __name__ == "__main__":
    run(COMPETITOR)
