"""Estimate: what it reads, and what it writes back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sky.fields.estimate import Estimate


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"runtime": "2h"}, Estimate(7_200)),
        ({"runtime": 90.4}, Estimate(90)),
        ({"runtime": "1h30m", "accelerators": "a100:8"}, Estimate(5_400, ("A100", 8))),
        (
            {"runtime": 60, "accelerators": {"H100": 4}, "scaling": "none"},
            Estimate(60, ("H100", 4), None, 0.0),
        ),
        ({"runtime": 60, "cpus": "2.5", "scaling": "Linear"}, Estimate(60, None, 2.5, 1.0)),
        ({"runtime": 60, "cpus": 4, "scaling": 0.7}, Estimate(60, None, 4.0, 0.7)),
    ],
)
def test_forms(config: dict[str, Any], expected: Estimate) -> None:
    assert Estimate.from_yaml_config(config) == expected


@given(
    st.builds(
        Estimate,
        st.integers(1, 10**7),
        st.one_of(st.none(), st.tuples(st.sampled_from(["A100", "H100"]), st.integers(1, 16))),
        st.none(),
        st.floats(0, 1),
    )
)
def test_round_trip(estimate: Estimate) -> None:
    assert Estimate.from_yaml_config(estimate.to_yaml_config()) == estimate
