"""Durations: what they scale with, and how they round."""

from __future__ import annotations

import pytest

from solver.request import Accelerators, Basis, Runtime
from solver.runtime import duration_s, runtime_for
from tests.solver.builders import HOUR, requirement


@pytest.mark.parametrize(
    ("runtime", "capacity", "seconds"),
    [
        (Runtime(3_600), 64_000, 3_600),
        (Runtime(3_600, Basis.VCPUS, 8_000), 16_000, 1_800),
        (Runtime(3_600, Basis.VCPUS, 8_000), 4_000, 7_200),
        (Runtime(100, Basis.VCPUS, 8_000), 24_000, 34),
        (Runtime(3_600, Basis.VCPUS, 8_000, exponent=0.5), 32_000, 1_800),
        (Runtime(3_600, Basis.VCPUS, 8_000, exponent=0.0), 32_000, 3_600),
        (Runtime(3_600, Basis.ACCELERATORS, 312), 0, 3_600),
    ],
)
def test_duration_scales_and_rounds_up(runtime: Runtime, capacity: int, seconds: int) -> None:
    """Whole seconds, rounded up; an unknown capacity takes the reference's time."""
    assert duration_s(runtime, capacity) == seconds


def test_an_accelerator_may_have_its_own_rule() -> None:
    """The rule stands at the accelerator's own position; others take the common one."""
    own = Runtime(60)
    asked = requirement(
        accelerators=(Accelerators("K1", 1_000), Accelerators("K2", 1_000)), runtimes=(HOUR, own)
    )
    assert runtime_for(asked, "K2", 1_000) is own
    assert runtime_for(asked, "K2", 2_000) is asked.runtime
