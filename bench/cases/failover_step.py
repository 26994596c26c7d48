"""Planning the next place of a launch after 500 refusals, in a warm process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.refusing_cloud import refusing_clouds
from bench.sample import Sample, bare_python, timed

REFUSED = 500


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    import sky
    from sky.control.places import Places
    from solver.params import Params

    task = sky.Task(name="train", run="true").set_resources(sky.Resources(cpus="8+"))
    with refusing_clouds():
        places = Places.of(task, sky.OptimizeTarget.COST)
        assert places.planner is not None
        (placed,) = places.planner.plan(params=Params(top_k=REFUSED + 100)).tasks
        order = places.scopes([placed.choice, *placed.alternatives])
        blocks = order[:REFUSED]
        places.best(blocks)

        def step() -> Sample:
            blocks.append(order[len(blocks)])
            sample, place = timed(lambda: places.best(blocks))
            assert place.scope == order[len(blocks)]
            return sample

        yield step, bare_python


CASE = Case(
    "the next place after 500 refusals, warm", "bare Python start-up", _prepare, rounds=21, target_s=0.030
)
