"""EC2's Spot Advisor: how much spot is cheaper and how often it is interrupted, by region and type.

The data file behind https://aws.amazon.com/ec2/spot/instance-advisor/. Its savings are averages of a month,
so a spot price made of them is a rough figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.sources.work import Work

URL = "https://spot-bid-advisor.s3.amazonaws.com"

MONTHLY_RATE = (0.025, 0.075, 0.125, 0.175, 0.25)
"""The middle of each bucket (<5 %, 5-10 %, ...); the open one counts as 25 %."""


@dataclass(frozen=True, slots=True)
class Advice:
    """The share of the on-demand price that spot saves, and the chance of an interruption in a month."""

    savings: float
    interruption_rate: float


def read(work: Work, url: str = URL) -> dict[tuple[str, str], Advice]:
    """Return the advice for Linux by region and instance type. Raises ``SourceError``."""
    found = work.get_json(f"{url}/spot-advisor-data.json")
    try:
        return {
            (region, name): Advice(entry["s"] / 100, MONTHLY_RATE[entry["r"]])
            for region, systems in found["spot_advisor"].items()
            for name, entry in systems.get("Linux", {}).items()
            if 0 <= entry["s"] < 100
        }
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise work.fail(f"the Spot Advisor's file has changed its form ({error!r})") from error
