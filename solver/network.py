"""Network: what it costs and how long it takes to move data between places.

Places of one network zone share a price list, so the solver needs a matrix over zones, not over places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeAlias

from solver.request import DataSource

Place: TypeAlias = tuple[str, str]
Matrix: TypeAlias = tuple[tuple[int, ...], ...]


class TransferTable(Protocol):
    """Prices and speeds between network zones; same-region moves are the solver's own business."""

    def zone_of(self, cloud: str, region: str) -> str:
        """Return the network zone of a region; regions of one zone share all prices."""

    def cost_micro_usd(self, source_zone: str, target_zone: str, size_bytes: int) -> int:
        """Return the price of moving ``size_bytes`` between two different regions of these zones."""

    def seconds(self, source_zone: str, target_zone: str, size_bytes: int) -> int:
        """Return how long that takes."""


@dataclass(frozen=True, slots=True)
class Network:
    """``zone[p]`` is the network zone of place ``p``; ``cost[e][a][b]``, ``seconds[e][a][b]`` of edge ``e``.

    An edge without data has empty matrices; where no edge has any, all places count as one zone.
    """

    zone: tuple[int, ...]
    cost: tuple[Matrix, ...]
    seconds: tuple[Matrix, ...]

    def moves(self, edge: int) -> bool:
        """Return whether ``edge`` moves data."""
        return bool(self.cost[edge])

    def transfer(self, edge: int, source: int, target: int) -> tuple[int, int]:
        """Return (micro-USD, seconds) of ``edge`` between two places; nothing within one place."""
        if source == target or not self.cost[edge]:
            return 0, 0
        a, b = self.zone[source], self.zone[target]
        return self.cost[edge][a][b], self.seconds[edge][a][b]


def network_of(places: Sequence[Place], sizes: Sequence[int], transfers: TransferTable) -> Network:
    """Return the network over ``places`` for edges that move ``sizes`` bytes each."""
    if not any(sizes):
        return Network(zone=(0,) * len(places), cost=((),) * len(sizes), seconds=((),) * len(sizes))
    names = [transfers.zone_of(*place) for place in places]
    zones = sorted(set(names))
    position = {zone: at for at, zone in enumerate(zones)}

    @cache
    def matrices(size: int) -> tuple[Matrix, Matrix]:
        if not size:
            return (), ()
        return (
            tuple(tuple(transfers.cost_micro_usd(a, b, size) for b in zones) for a in zones),
            tuple(tuple(transfers.seconds(a, b, size) for b in zones) for a in zones),
        )

    pairs = [matrices(size) for size in sizes]
    return Network(
        zone=tuple(position[name] for name in names),
        cost=tuple(cost for cost, _ in pairs),
        seconds=tuple(seconds for _, seconds in pairs),
    )


def inbound(transfers: TransferTable, source: DataSource, place: Place) -> tuple[int, int]:
    """Return (micro-USD, seconds) of bringing ``source`` to ``place``; nothing within the source's own cloud.

    The source's region is unknown, so its cloud's default network zone prices the way out.
    """
    if source.cloud == place[0] or not source.size_bytes:
        return 0, 0
    a, b = transfers.zone_of(source.cloud, ""), transfers.zone_of(*place)
    return transfers.cost_micro_usd(a, b, source.size_bytes), transfers.seconds(a, b, source.size_bytes)
