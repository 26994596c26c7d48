"""Cost of nodes at an hourly price for a time, in whole micro-USD."""

from __future__ import annotations

from catalog.errors import UserError
from catalog.units import SECONDS_PER_HOUR
from solver.columns import Ints

INT64_MAX = 2**63 - 1


def cost_micro_usd(price: Ints, seconds: Ints, num_nodes: int, label: str) -> Ints:
    """Return ``num_nodes * price * seconds / 3600`` rounded half up, exactly.

    ``price`` is micro-USD an hour of one node. Raises ``UserError``, naming ``label``, for figures too large.
    """
    if not len(price):
        return price
    hours = seconds // SECONDS_PER_HOUR
    most = max(int(hours.max()) + 1, 2 * SECONDS_PER_HOUR)
    if num_nodes * int(price.max()) * most + SECONDS_PER_HOUR > INT64_MAX:
        raise UserError(f"{label}: num_nodes x price x runtime is too large to be exact; ask for less of one")
    an_hour = num_nodes * price
    rest_s = seconds - hours * SECONDS_PER_HOUR
    rest: Ints = (2 * an_hour * rest_s + SECONDS_PER_HOUR) // (2 * SECONDS_PER_HOUR)
    cost: Ints = an_hour * hours + rest
    return cost
