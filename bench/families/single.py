"""Single requests over the real catalog, as a person writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.offers import family_of_requests

if TYPE_CHECKING:
    import sky


def _asked() -> dict[str, sky.Resources | set[sky.Resources]]:
    import sky

    return {
        "a100x8": sky.Resources(accelerators="A100:8"),
        "cpus": sky.Resources(cpus="4+"),
        "memory": sky.Resources(cpus="16+", memory="256+"),
        "spot": sky.Resources(accelerators="H100:8", use_spot=True),
        "any-of": {
            sky.Resources(accelerators={"L4": 1}),
            sky.Resources(accelerators={"T4": 4}),
            sky.Resources(accelerators={"A10G": 1}, use_spot=True),
            sky.Resources(cpus="64+"),
        },
    }


FAMILY = family_of_requests(
    "one task over the real catalog", ("a100x8", "cpus", "memory", "spot", "any-of"), _asked
)
