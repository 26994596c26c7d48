"""Planning a 2x2 DAG of four tasks, each asking for four vCPUs or more, in a warm process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.first_plan import first_plan
from bench.sample import Sample, bare_python


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    yield _plan, bare_python


def _plan() -> Sample:
    import sky

    with sky.Dag() as dag:
        first, second, third, fourth = (sky.Task(name=name, run="true") for name in "abcd")
        for task in (first, second, third, fourth):
            task.set_resources(sky.Resources(cpus="4+"))
        for upper in (first, second):
            upper.set_outputs("s3://bench/data", 100)
            for lower in (third, fourth):
                dag.add_edge(upper, lower)
    sample, plan = first_plan(dag)
    assert plan.status.value == "OPTIMAL"
    assert len(plan.tasks) == 4
    assert all(placement.choice.vcpus >= 4 for placement in plan.tasks)
    return sample


CASE = Case("plan a 2x2 DAG, warm", "bare Python start-up", _prepare, target_s=0.2)
