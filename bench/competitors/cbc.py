"""CBC, the long-standing free MIP solver, on the program of ``bench.mip``, given as an MPS file."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.competitor import Answer, Competitor, run
from bench.instance import Instance
from bench.mip import Floats, Mip, program_of


def solve(instance: Instance, objective: str, limit_s: float) -> Answer:
    """Write the program, run CBC's own executable on it, read what it found."""
    import pulp  # type: ignore[import-not-found, unused-ignore]

    with tempfile.TemporaryDirectory(prefix="sky-bench-") as folder:
        model, solution = Path(folder) / "model.mps", Path(folder) / "solution.txt"
        started = time.perf_counter()
        program = program_of(instance, time=objective == "time")
        write_mps(program, model)
        built = time.perf_counter()
        command = [pulp.PULP_CBC_CMD().path, str(model), "-timeMode", "elapsed", "-sec", str(limit_s)]
        command += ["-ratioGap", "0", "-allowableGap", "0.99", "-threads", "2", "-solve"]
        done = subprocess.run(
            [*command, "-solution", str(solution)], capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - built
        text = solution.read_text(encoding="ascii") if solution.exists() else ""
    answer = _read(text, done.stdout, program, instance)
    version = re.search(r"Version:\s*(\S+)", done.stdout)
    return Answer(
        *answer,
        build_seconds=built - started,
        solve_seconds=seconds,
        peak_mib=_children_mib(),
        version=version[1] if version else "",
    )


def write_mps(program: Mip, file: Path) -> None:
    """Write the program as free MPS, column by column."""
    rows = np.repeat(np.arange(len(program.row_lower)), np.diff(program.start))
    order = np.argsort(program.index, kind="stable")
    bounds = zip(program.row_lower.tolist(), program.row_upper.tolist(), strict=True)
    kinds = [_kind(lower, upper) for lower, upper in bounds]
    column, row = program.index[order].tolist(), rows[order].tolist()
    value = program.value[order].tolist()
    ends = np.searchsorted(program.index[order], np.arange(len(program.objective) + 1)).tolist()
    with file.open("w", encoding="ascii") as out:
        out.write("NAME model\nROWS\n N cost\n")
        out.writelines(f" {kind} r{at}\n" for at, (kind, _) in enumerate(kinds))
        out.write("COLUMNS\n M1 'MARKER' 'INTORG'\n")
        for at, price in enumerate(program.objective.tolist()):
            if at == program.binaries:
                out.write(" M2 'MARKER' 'INTEND'\n")
            if price:
                out.write(f" x{at} cost {price!r}\n")
            out.writelines(f" x{column[i]} r{row[i]} {value[i]!r}\n" for i in range(ends[at], ends[at + 1]))
        if len(program.objective) == program.binaries:
            out.write(" M2 'MARKER' 'INTEND'\n")
        out.write("RHS\n")
        out.writelines(f" RHS r{at} {right!r}\n" for at, (_, right) in enumerate(kinds) if right)
        out.write("BOUNDS\n")
        uppers = enumerate(program.upper.tolist())
        out.writelines(f" UP BND x{at} {upper!r}\n" for at, upper in uppers if math.isfinite(upper))
        out.write("ENDATA\n")


def _kind(lower: float, upper: float) -> tuple[str, float]:
    """Return how MPS names a row with these bounds, and its right side."""
    if lower == upper:
        return "E", lower
    return ("G", lower) if math.isfinite(lower) else ("L", upper)


def _read(
    text: str, log: str, program: Mip, instance: Instance
) -> tuple[str, int | None, int | None, list[int]]:
    """Return the status, the value, the bound and the choice."""
    first, *lines = text.splitlines() or [""]
    if first.startswith("Infeasible") or "infeasible" in log.partition("Result - ")[2][:40]:
        return "infeasible", None, None, []
    columns: Floats = np.zeros(len(program.objective))
    for line in lines:
        words = line.replace("**", "").split()
        columns[int(words[1][1:])] = float(words[2])
    lower = re.search(r"Lower bound:\s*(\S+)", log)
    if not lines or not columns[: program.binaries].any():
        return "timeout", None, None, []
    value = round(float(columns @ program.objective))
    choice = program.choice(columns, instance)
    if first.startswith("Optimal"):
        return "optimal", value, value, choice
    return "feasible", value, math.ceil(float(lower[1]) - 0.01) if lower else None, choice


def _children_mib() -> float:
    import resource

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / unit


COMPETITOR = Competitor("CBC", solve, venv="cbc", tolerance=1e-6)

if __name__ == "__main__":
    run(COMPETITOR)
