"""Requests that nothing satisfies: the right answer says so, and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.offers import family_of_requests

if TYPE_CHECKING:
    import sky


def _asked() -> dict[str, sky.Resources | set[sky.Resources]]:
    import sky

    return {
        "region": sky.Resources(infra="aws/af-south-1", accelerators="H100:8"),
        "memory": sky.Resources(accelerators="L4:1", memory="4000+"),
        "price": sky.Resources(accelerators="A100:8", max_hourly_cost=1.0),
    }


FAMILY = family_of_requests("nothing on offer fits", ("region", "memory", "price"), _asked)
