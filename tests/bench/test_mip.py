"""The program that HiGHS and CBC get charges every plan exactly: checked plan by plan, without either."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ortools.linear_solver import pywraplp

from bench.competitors.cbc import write_mps
from bench.draw import integers
from bench.instance import Instance
from bench.mip import Mip, program_of

ZONES = [0, 0, 1, 2]
CANDIDATES = [[0, 1, 2, 3], [0, 1, 1, 3], [1, 2, 3]]
BY_SOURCE = [
    [[3, 8, 8], [9, 4, 9], [7, 7, 0]],
    [[2, 2, 2], [5, 1, 5], [6, 6, 6]],
    [[0, 4, 4], [0, 0, 0], [3, 3, 2]],
]
GENERAL = [
    [[3, 8, 1], [9, 4, 2], [7, 5, 0]],
    [[9, 2, 2], [5, 1, 5], [6, 6, 6]],
    [[2, 4, 4], [0, 7, 0], [3, 3, 2]],
]
CHOICES = list(product(*(range(len(each)) for each in CANDIDATES)))


def tiny(matrices: Sequence[object], ready: int = 0) -> Instance:
    """Return a triangle of tasks with a second, empty edge; two candidates of one task share a place."""
    total = sum(map(len, CANDIDATES))
    tariffs = np.array(matrices, dtype=np.int64)
    return Instance(
        name="tiny",
        family="tiny",
        seed=0,
        start=integers([0, *np.cumsum([len(each) for each in CANDIDATES]).tolist()]),
        cost=integers([7 * k % 11 + 20 for k in range(total)]),
        seconds=integers([5 * k % 7 + 10 for k in range(total)]),
        ready=integers([ready * (k % 3) for k in range(total)]),
        place=integers([place for each in CANDIDATES for place in each]),
        source=integers([0, 1, 0, 0]),
        target=integers([1, 2, 2, 1]),
        tariff=integers([0, 1, 2, -1]),
        zone=integers(ZONES),
        move_cost=tariffs,
        move_seconds=tariffs[::-1].copy(),
    )


def least(program: Mip, fixed: Sequence[int] = ()) -> float:
    """Return the least objective of the relaxation, with the columns ``fixed`` at 1."""
    solver = pywraplp.Solver.CreateSolver("GLOP")
    columns = [
        solver.NumVar(float(at in fixed), min(upper, solver.infinity()), "")
        for at, upper in enumerate(program.upper.tolist())
    ]
    ends = zip(program.start[:-1].tolist(), program.start[1:].tolist(), strict=True)
    for (first, last), lower, upper in zip(ends, program.row_lower, program.row_upper, strict=True):
        row = solver.Constraint(max(lower, -solver.infinity()), min(upper, solver.infinity()))
        for at in range(first, last):
            row.SetCoefficient(columns[program.index[at]], program.value[at])
    solver.Minimize(solver.Sum(p * c for p, c in zip(program.objective.tolist(), columns, strict=True)))
    assert solver.Solve() == pywraplp.Solver.OPTIMAL
    return float(solver.Objective().Value())


@pytest.mark.parametrize("ready", [0, 9])
@pytest.mark.parametrize("matrices", [BY_SOURCE, GENERAL], ids=["by source", "general"])
@pytest.mark.parametrize("time", [False, True], ids=["cost", "time"])
def test_a_plan_costs_in_the_program_what_it_costs(
    matrices: Sequence[object], time: bool, ready: int
) -> None:
    instance = tiny(matrices, ready)
    program = program_of(instance, time=time)
    values = []
    for choice in CHOICES:
        fixed = [int(instance.start[task]) + k for task, k in enumerate(choice)]
        values.append(instance.evaluate(choice)[time])
        assert least(program, fixed) == pytest.approx(values[-1]), choice
    assert least(program) <= min(values) + 1e-6


def test_tariffs_by_source_take_the_small_form_and_others_the_flow() -> None:
    small, large = (program_of(tiny(matrices), time=False) for matrices in (BY_SOURCE, GENERAL))
    assert small.row_upper.tolist().count(0.0) == 0
    assert large.row_upper.tolist().count(0.0) > 0
    assert len(small.objective) < len(large.objective)


def test_a_place_that_no_candidate_of_the_source_has_takes_no_row() -> None:
    instance = tiny(BY_SOURCE)
    rows_and_columns = program_of(instance, time=False)
    places = {(edge, place) for edge, task in ((0, 0), (1, 1), (2, 0)) for place in CANDIDATES[task]}
    assert len(rows_and_columns.row_lower) <= instance.tasks + len(places) + 9


def test_the_choice_is_read_from_the_columns() -> None:
    instance = tiny(GENERAL)
    program = program_of(instance, time=False)
    columns = np.zeros(len(program.objective))
    columns[instance.start[:-1] + np.array([2, 0, 1])] = 0.999
    assert program.choice(columns, instance) == [2, 0, 1]


def test_the_file_for_cbc_has_every_entry(tmp_path: Path) -> None:
    program = program_of(tiny(GENERAL), time=True)
    write_mps(program, tmp_path / "model.mps")
    lines = (tmp_path / "model.mps").read_text(encoding="ascii").splitlines()
    sections = {name: lines.index(name) for name in ("ROWS", "COLUMNS", "RHS", "BOUNDS", "ENDATA")}
    rows = lines[sections["ROWS"] + 1 : sections["COLUMNS"]]
    kinds = [line.split()[0] for line in rows]
    assert kinds.count("E") == (program.row_lower == program.row_upper).sum()
    assert len(rows) == len(program.row_lower) + 1
    entries = {
        (words[0], words[1]): float(words[2])
        for words in map(str.split, lines[sections["COLUMNS"] + 1 : sections["RHS"]])
        if "'MARKER'" not in words and words[1] != "cost"
    }
    row_of = np.repeat(np.arange(len(program.row_lower)), np.diff(program.start))
    wanted = zip(program.index.tolist(), row_of.tolist(), program.value.tolist(), strict=True)
    assert entries == {(f"x{column}", f"r{row}"): value for column, row, value in wanted}
    uppers = [line for line in lines if line.startswith(" UP")]
    assert len(uppers) == np.isfinite(program.upper).sum()
