"""Risk: what interruptions and a moving price add to a job on spot. The formulas are in ``docs/risk.md``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.schema import SPOT_VOLATILITY
from catalog.units import MICRO, SECONDS_PER_MONTH
from solver.columns import Columns, Ints
from solver.cost import cost_micro_usd
from solver.plan import SpotRisk
from solver.request import Requirement, Risk
from solver.runtime import durations_s

ASSUMED_PPM = 125_000
"""The chance of an interruption in a month where the provider publishes none: an assumption.

It is the middle of the band from 10 to 15 %, the middle one of the five in which the chance is published,
where it is. The median of those offers lies there, too: who publishes nothing counts as neither better nor
worse.
"""

MOST_STRETCH = 100
"""An expectation above so many run times counts as so many: nobody runs such a job, and totals stay exact."""

_ROUNDING = 1e-9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class AtRisk:
    """Spot offers of one requirement with their risk, as parallel arrays.

    ``planned_s`` is the time without any interruption. ``expected_s``, and its cost on all nodes
    ``expected_micro_usd``, have them. ``deviation_micro_usd`` is what the moving price adds to the cost.
    """

    interruption_ppm: Ints
    assumed: Ints
    planned_s: Ints
    expected_s: Ints
    expected_micro_usd: Ints
    volatility_ppm: Ints
    deviation_micro_usd: Ints

    @property
    def cost_micro_usd(self) -> Ints:
        """What an offer counts as in a plan."""
        cost: Ints = self.expected_micro_usd + self.deviation_micro_usd
        return cost


def at_risk(columns: Columns, requirement: Requirement, rows: Ints, price: Ints, num_nodes: int) -> AtRisk:
    """Return the spot offers ``rows`` at ``price`` with the risk that ``requirement`` says is to count."""
    published = columns.rare("interruption_ppm")[rows]
    ppm = np.where(published < 0, ASSUMED_PPM, published)
    planned_s = durations_s(columns, requirement, rows)
    time_s = expected_s(planned_s, ppm, num_nodes, requirement.checkpoint_s)
    cost = cost_micro_usd(price, time_s, num_nodes, requirement.label)
    moves = np.zeros(len(rows), dtype=np.int64)
    if requirement.risk is Risk.AVERSE:
        moves = np.maximum(columns.rare(SPOT_VOLATILITY)[rows], 0)
    return AtRisk(
        interruption_ppm=ppm,
        assumed=published < 0,
        planned_s=planned_s,
        expected_s=time_s,
        expected_micro_usd=cost,
        volatility_ppm=moves,
        deviation_micro_usd=deviation_micro_usd(cost, time_s, moves),
    )


def expected_s(seconds: Ints, interruption_ppm: Ints, num_nodes: int, checkpoint_s: int | None) -> Ints:
    """Return the expected time of jobs of ``seconds`` with all their interruptions, rounded up.

    A stretch of ``c`` seconds that begins anew after each interruption is expected to take
    ``(exp(r c) - 1) / r``, with ``r`` interruptions a second; a job is so many stretches of ``checkpoint_s``
    and a rest, or one stretch. At most ``MOST_STRETCH`` times ``seconds``.
    """
    rate = rate_of(interruption_ppm, num_nodes)
    stretch_s = np.maximum(seconds if checkpoint_s is None else np.minimum(seconds, checkpoint_s), 1)
    whole, rest_s = np.divmod(seconds, stretch_s)
    safe = rate == 0
    with np.errstate(over="ignore"):
        grown = whole * np.expm1(rate * stretch_s) + np.expm1(rate * rest_s)
    most_s = MOST_STRETCH * seconds
    mean_s = np.minimum(grown / np.where(safe, 1.0, rate), most_s)
    rounded = np.ceil(mean_s - _ROUNDING * np.maximum(mean_s, 1.0)).astype(np.int64)
    capped = np.where(mean_s < most_s, np.maximum(rounded, seconds), most_s)
    found: Ints = np.where(safe, seconds, capped)
    return found


def rate_of(interruption_ppm: Ints, num_nodes: int) -> Floats:
    """Return how often a second one of ``num_nodes`` is interrupted, from one node's chance in a month.

    A chance of 1 would be no rate at all, and counts as a millionth less.
    """
    chance = np.minimum(interruption_ppm, MICRO - 1) / MICRO
    rate: Floats = -np.log1p(-chance) * (num_nodes / SECONDS_PER_MONTH)
    return rate


def deviation_micro_usd(cost: Ints, seconds: Ints, volatility_ppm: Ints) -> Ints:
    """Return one standard deviation of ``cost`` over ``seconds`` from the price moving, rounded half up.

    The mean over a time ``t`` of a Brownian motion of a month's deviation ``sigma`` has the deviation
    ``sigma sqrt(t / month) / sqrt(3)``.
    """
    relative = volatility_ppm / MICRO * np.sqrt(seconds / (3 * SECONDS_PER_MONTH))
    deviation: Ints = np.floor(cost * relative + 0.5).astype(np.int64)
    return deviation


def spot_risk(columns: Columns, requirement: Requirement, row: int, price: int, num_nodes: int) -> SpotRisk:
    """Return what was counted in for one spot offer, and how likely an interruption of its run is."""
    found = at_risk(columns, requirement, np.array([row]), np.array([price]), num_nodes)
    planned_s = int(found.planned_s[0])
    planned = cost_micro_usd(np.array([price]), found.planned_s, num_nodes, requirement.label)
    chance = -np.expm1(-rate_of(found.interruption_ppm, num_nodes)[0] * planned_s)
    averse = requirement.risk is Risk.AVERSE
    return SpotRisk(
        kind=requirement.risk.value,
        interruption_ppm=int(found.interruption_ppm[0]),
        assumed=bool(found.assumed[0]),
        run_interruption_ppm=round(float(chance) * MICRO),
        checkpoint_s=requirement.checkpoint_s,
        extra_time_s=int(found.expected_s[0]) - planned_s,
        extra_cost_micro_usd=int(found.expected_micro_usd[0] - planned[0]),
        volatility_ppm=int(found.volatility_ppm[0]) if averse else None,
        deviation_micro_usd=int(found.deviation_micro_usd[0]),
    )
