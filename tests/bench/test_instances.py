"""Instances: the same on every machine, judged by arithmetic of their own, and solved alike by all proofs."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
import pytest

from bench.competitors import dp, greedy, greedy_in_order, oracle
from bench.draw import drawn
from bench.families.sparse import edges as sparse_edges
from bench.family import instance_of, registry
from bench.instance import ARRAYS, Instance
from bench.suite import known
from solver.request import Objective
from solver.schedule import schedule
from tests.architecture.source_tree import ROOT

DIGESTS = {
    "chain-10": "6770d91d84a395ce",
    "dense-10": "c4e7c16c9b710747",
    "fan_in-10": "099ac7bb4a283f1e",
    "fan_out-10": "0ac23838b0152d1c",
    "infeasible-price": "b8f2c2d3e90f4e32",
    "layered-10": "11c3e4b09483752e",
    "layered-30": "94d35cdbbd4d7754",
    "sparse-10": "10da00b7033dc648",
    "sparse-100": "e6d6df4ae1f3a812",
    "sparse_heavy-10": "2f4d1e45537cd238",
    "tree-10": "d4d8b3766fdef303",
}
FIXED = sorted((ROOT / "bench" / "instances").glob("*.json"))


def few_places(tasks: int, edges: list[tuple[int, int]], keep: int, seed: int = 3) -> Instance:
    """Return an instance with ``keep`` places a task, in all three clouds, so that all plans can be tried."""
    full = drawn(Random(seed), seed, tasks, edges)
    at = np.arange(keep) * len(full.zone) // keep
    taken = np.concatenate([full.start[task] + at for task in range(tasks)])
    values = {name: getattr(full, name) for name in ARRAYS}
    for name in ("cost", "seconds", "ready", "place"):
        values[name] = values[name][taken]
    values["start"] = np.arange(tasks + 1, dtype=np.int64) * keep
    return Instance(name="few", family="few", seed=seed, **values)


def test_every_file_of_the_families_is_a_family() -> None:
    files = {path.stem for path in (ROOT / "bench" / "families").glob("*.py")} - {"__init__"}
    assert set(registry()) == files


@pytest.mark.parametrize("name", DIGESTS)
def test_an_instance_is_the_same_everywhere(name: str) -> None:
    family, _, size = name.partition("-")
    instance = instance_of(family, size)
    assert instance.name == name
    assert instance.digest()[:16] == DIGESTS[name]


@pytest.mark.parametrize("file", FIXED, ids=lambda file: file.stem)
def test_a_fixed_instance_is_the_one_that_its_values_are_of(file: Path) -> None:
    kept = json.loads(file.read_text(encoding="utf-8"))
    family, _, size = file.stem.partition("-")
    assert kept["family"] == family
    assert size in registry()[family].sizes
    assert set(kept["best_known"]) == {"cost", "time"}
    if kept["tasks"] <= 100:
        instance = instance_of(family, size)
        assert (kept["digest"], kept["tasks"], kept["seed"]) == (
            instance.digest(),
            instance.tasks,
            instance.seed,
        )
        for each in known.load(instance).values():
            assert each.value is None or each.bound is None or each.bound <= each.value


def test_every_size_has_best_known_values() -> None:
    wanted = {f"{name}-{size}" for name, family in registry().items() for size in family.sizes}
    assert {file.stem for file in FIXED} == wanted


def test_a_quick_size_is_a_size() -> None:
    assert [name for name, family in registry().items() if not set(family.quick) <= set(family.sizes)] == []


def test_an_instance_survives_its_file(tmp_path: Path) -> None:
    instance = instance_of("sparse", "10")
    instance.save(tmp_path / "one.npz")
    again = Instance.load(tmp_path / "one.npz")
    assert (again.name, again.family, again.seed) == ("sparse-10", "sparse", 1)
    assert again.digest() == instance.digest()


def test_a_digest_tells_shapes_and_values_apart() -> None:
    one, other = few_places(2, [(0, 1)], 3), few_places(2, [(0, 1)], 3, seed=4)
    assert one.digest() != other.digest()


@pytest.mark.parametrize("name", ["sparse-100", "layered-30", "dense-30", "single-a100x8"])
def test_the_judge_agrees_with_the_solver_s_own_arithmetic(name: str) -> None:
    family, _, size = name.partition("-")
    instance = instance_of(family, size)
    problem = instance.to_problem(Objective.COST)
    rng = Random(7)
    for _ in range(20):
        choice = [rng.randrange(int(count)) for count in np.diff(instance.start)]
        plan = schedule(problem, choice)
        assert instance.evaluate(choice) == (plan.cost, plan.makespan_s)


def test_the_judge_takes_one_candidate_a_task() -> None:
    instance = few_places(2, [(0, 1)], 3)
    for wrong in ([0], [0, 3], [0, -1], [0, 0, 0]):
        with pytest.raises(ValueError, match="not one candidate"):
            instance.evaluate(wrong)


@pytest.mark.parametrize(
    "edges",
    [
        [(0, 1), (1, 2), (2, 3)],
        [(0, 1), (0, 2), (2, 3)],
        [(0, 3), (1, 3), (2, 3)],
        [(1, 0), (3, 2)],
        list(sparse_edges(Random(2), 4)),
    ],
)
@pytest.mark.parametrize("objective", ["cost", "time"])
def test_the_proofs_without_a_solver_agree_with_trying_everything(
    edges: list[tuple[int, int]], objective: str
) -> None:
    instance = few_places(4, edges, 5)
    values = [instance.evaluate(choice)[objective == "time"] for choice in product(range(5), repeat=4)]
    answers = {each: each.COMPETITOR.solve(instance, objective, 1.0) for each in (oracle, dp)}
    assert answers[oracle].status == "optimal"
    for answer in answers.values():
        if answer.status != "unsupported":
            assert answer.value == answer.bound == min(values)
            assert instance.evaluate(answer.choice)[objective == "time"] == min(values)
    for quick in (greedy, greedy_in_order):
        assert quick.COMPETITOR.solve(instance, objective, 1.0).value in values


def test_dynamic_programming_refuses_what_is_no_forest() -> None:
    diamond = few_places(4, [(0, 1), (0, 2), (1, 3), (2, 3)], 3)
    assert dp.COMPETITOR.solve(diamond, "cost", 1.0).status == "unsupported"
    assert dp.COMPETITOR.solve(diamond, "time", 1.0).status == "unsupported"
    chain = few_places(3, [(0, 1), (1, 2)], 3)
    assert dp.COMPETITOR.solve(chain, "time", 1.0).status == "optimal"
