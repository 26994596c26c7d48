"""Accounting: nothing is given twice, and what fits is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors import job
from executors.agent import states
from executors.agent.capacity import Capacity, Demand, Held
from executors.agent.errors import Refused

NODE = Capacity(cpus_milli=4_000, memory_mib=1_000, accelerator="A100", accelerators=4)
_DEMANDS = st.builds(
    Demand,
    cpus_milli=st.integers(0, 4_000),
    memory_mib=st.integers(0, 1_000),
    accelerator=st.sampled_from(["", "A100", "a100"]),
    accelerators_milli=st.sampled_from([0, 100, 250, 300, 500, 700, 1_000, 2_000, 4_000]),
)


def test_the_agent_and_the_client_know_the_same_states() -> None:
    theirs = {state.value: {after.value for after in then} for state, then in job.TRANSITIONS.items()}
    assert {state: set(then) for state, then in states.TRANSITIONS.items()} == theirs


@given(st.lists(_DEMANDS, max_size=20))
def test_no_resource_is_given_beyond_what_there_is_and_a_refusal_has_a_cause(demands: list[Demand]) -> None:
    held: list[Held] = []
    for demand in demands:
        NODE.check(demand)
        free = {i: 1_000 - sum(h.devices.get(i, 0) for h in held) for i in range(NODE.accelerators)}
        cpus = NODE.cpus_milli - sum(h.cpus_milli for h in held)
        memory = NODE.memory_mib - sum(h.memory_mib for h in held)
        milli = demand.accelerators_milli
        devices_fit = (
            any(room >= milli for room in free.values())
            if milli < 1_000
            else sum(room == 1_000 for room in free.values()) >= milli // 1_000
        )
        devices = NODE.assign(demand, held)
        assert (devices is not None) == (
            demand.cpus_milli <= cpus and demand.memory_mib <= memory and devices_fit
        )
        if devices is not None:
            assert sum(devices.values()) == milli
            assert all(0 < taken <= free[i] for i, taken in devices.items())
            held.append(Held(demand.cpus_milli, demand.memory_mib, devices))


def test_a_fraction_goes_to_the_fullest_that_has_room() -> None:
    held = [Held(0, 0, {1: 300}), Held(0, 0, {2: 800})]
    assert NODE.assign(Demand(0, 0, "A100", 300), held) == {1: 300}
    assert NODE.assign(Demand(0, 0, "A100", 200), held) == {2: 200}
    assert NODE.assign(Demand(0, 0, "A100", 3_000), held) is None


@pytest.mark.parametrize(
    "demand",
    [
        Demand(4_001, 0, "", 0),
        Demand(0, 1_001, "", 0),
        Demand(0, 0, "A100", 5_000),
        Demand(0, 0, "H100", 1_000),
        Demand(0, 0, "A100", 1_500),
        Demand(-1, 0, "", 0),
    ],
)
def test_what_can_never_start_is_refused(demand: Demand) -> None:
    with pytest.raises(Refused):
        NODE.check(demand)
