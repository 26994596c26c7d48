"""Planning a chain of twenty tasks that hand data on, in a warm process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.first_plan import first_plan
from bench.sample import Sample, bare_python

LENGTH = 20


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    yield _plan, bare_python


def _plan() -> Sample:
    import sky

    kinds = (
        sky.Resources(cpus="8+"),
        sky.Resources(accelerators="A100:8"),
        sky.Resources(accelerators="L4:1"),
        sky.Resources(cpus="32+", memory="128+"),
    )
    with sky.Dag() as dag:
        before = None
        for index in range(LENGTH):
            task = sky.Task(name=f"task-{index}", run="true")
            task.set_resources(kinds[index % len(kinds)])
            task.set_outputs("s3://bench/data", 50)
            if before is not None:
                dag.add_edge(before, task)
            before = task
    sample, plan = first_plan(dag)
    assert plan.status.value == "OPTIMAL"
    assert len(plan.tasks) == LENGTH
    assert plan.bound_value == plan.total_cost_micro_usd
    return sample


CASE = Case("plan a chain of 20, warm", "bare Python start-up", _prepare, target_s=0.3)
