"""First plan: the time of a plan that finds nothing left by the one before, as the first of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.sample import Sample, timed

if TYPE_CHECKING:
    import sky
    from solver.plan import Plan


def first_plan(asked: sky.Task | sky.Dag) -> tuple[Sample, Plan]:
    """Plan something else, so that the last plan is not of ``asked``; then plan it, timed."""
    import sky

    other = sky.Task(name="other", run="true")
    other.set_resources(sky.Resources(accelerators="L4:1"))
    sky.optimize(other, quiet=True)
    return timed(lambda: sky.optimize(asked, quiet=True))
