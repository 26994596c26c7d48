"""The risk of a spot choice as text: how likely an interruption is, and what was counted in for it."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.units import format_seconds, format_usd
from solver.plan import SpotRisk


def risk_lines(risk: SpotRisk) -> Iterator[str]:
    """Yield the sentences on ``risk``."""
    origin = "assumed, as its provider publishes none" if risk.assumed else "published"
    yield (
        f"Risk: a node's chance of an interruption within a month is {_percent(risk.interruption_ppm)} "
        f"({origin}), this run's is {_percent(risk.run_interruption_ppm)}."
    )
    after = "begins anew after each"
    if risk.checkpoint_s is not None:
        after = f"goes on from its last checkpoint, one every {format_seconds(risk.checkpoint_s)}"
    yield (
        f"Interruptions are expected to add {format_seconds(risk.extra_time_s)} and "
        f"{format_usd(risk.extra_cost_micro_usd)}, counted in; the job {after}."
    )
    if risk.volatility_ppm:
        yield (
            f"The spot price moves {_percent(risk.volatility_ppm)} a month; one standard deviation of cost "
            f"from that, {format_usd(risk.deviation_micro_usd)}, is counted in."
        )
    elif risk.volatility_ppm == 0:
        yield "No change of the spot price is on record, so no deviation is counted in."


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:.3g} %"
