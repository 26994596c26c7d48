"""Planning one task in a warm process."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.facts import cheapest_usd_per_hour
from bench.first_plan import first_plan
from bench.sample import Sample, bare_python


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    import sky

    cheapest = cheapest_usd_per_hour("A100", 8)

    def plan() -> Sample:
        task = sky.Task(name="train", run="true")
        task.set_resources(sky.Resources(accelerators="A100:8"))
        sample, found = first_plan(task)
        assert found.status.value == "OPTIMAL"
        assert math.isclose(found.tasks[0].choice.price_usd_per_hour, cheapest, abs_tol=1e-6)
        return sample

    yield plan, bare_python


CASE = Case("plan one task, warm", "bare Python start-up", _prepare, rounds=21, target_s=0.020)
