"""Network: what it costs and how long it takes to move data between places.

Places of one network zone share a price list, so the solver needs a matrix over zones, not over places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from solver.columns import Ints
from solver.request import DataSource

Place: TypeAlias = tuple[str, str]
Matrix: TypeAlias = Sequence[Sequence[int]]


class TransferTable(Protocol):
    """Prices and speeds between network zones; same-region moves are the solver's own business."""

    def zone_of(self, cloud: str, region: str) -> str:
        """Return the network zone of a region; regions of one zone share all prices."""

    def cost_micro_usd(self, source_zone: str, target_zone: str, size_bytes: int) -> int:
        """Return the price of moving ``size_bytes`` between two different regions of these zones."""

    def seconds(self, source_zone: str, target_zone: str, size_bytes: int) -> int:
        """Return how long that takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Tariffs between zones.

    Moving the data of edge ``e`` from zone a to zone b costs ``cost[tariff[e], a, b]`` micro-USD and takes
    ``seconds[tariff[e], a, b]``. ``zone`` is by place. ``tariff`` is -1 for an edge without data; edges of
    one size share a tariff. Where no edge has data, all places count as one zone.
    """

    zone: Ints
    tariff: Ints
    cost: Ints
    seconds: Ints

    @staticmethod
    def of(zone: Sequence[int], cost: Sequence[Matrix], seconds: Sequence[Matrix]) -> Network:
        """Return the network with these matrices by edge; an edge without data has empty ones."""
        zones = max(zone, default=0) + 1
        moving = [at for at, matrix in enumerate(cost) if len(matrix)]
        tariff = np.full(len(cost), -1, dtype=np.int64)
        tariff[moving] = np.arange(len(moving))
        shape = (len(moving), zones, zones)
        return Network(
            zone=np.array(zone, dtype=np.int64),
            tariff=tariff,
            cost=np.array([cost[at] for at in moving], dtype=np.int64).reshape(shape),
            seconds=np.array([seconds[at] for at in moving], dtype=np.int64).reshape(shape),
        )

    def moves(self, edge: int) -> bool:
        """Return whether ``edge`` moves data."""
        return bool(self.tariff[edge] >= 0)

    def transfers(self, edges: Ints, source: Ints, target: Ints) -> tuple[Ints, Ints]:
        """Return (micro-USD, seconds) of each of ``edges`` between the places ``source`` and ``target``."""
        cost = np.zeros(len(edges), dtype=np.int64)
        seconds = cost.copy()
        tariff = self.tariff[edges]
        paid = np.flatnonzero((tariff >= 0) & (source != target))
        at = tariff[paid], self.zone[source[paid]], self.zone[target[paid]]
        cost[paid], seconds[paid] = self.cost[at], self.seconds[at]
        return cost, seconds

    def from_places(self, edge: int, target: int) -> tuple[Ints, Ints]:
        """Return (micro-USD, seconds) of ``edge`` from every place to ``target``."""
        return self._at_places(edge, target, outward=False)

    def to_places(self, edge: int, source: int) -> tuple[Ints, Ints]:
        """Return (micro-USD, seconds) of ``edge`` from ``source`` to every place."""
        return self._at_places(edge, source, outward=True)

    def _at_places(self, edge: int, fixed: int, *, outward: bool) -> tuple[Ints, Ints]:
        tariff = self.tariff[edge]
        if tariff < 0:
            nothing = np.zeros(len(self.zone), dtype=np.int64)
            return nothing, nothing.copy()
        found = []
        for matrix in (self.cost[tariff], self.seconds[tariff]):
            values = (matrix if outward else matrix.T)[self.zone[fixed]][self.zone]
            values[fixed] = 0
            found.append(values)
        return found[0], found[1]


def network_of(places: Sequence[Place], sizes: Sequence[int], transfers: TransferTable) -> Network:
    """Return the network over ``places`` for edges that move ``sizes`` bytes each."""
    distinct = sorted({size for size in sizes if size})
    names = [transfers.zone_of(*place) for place in places] if distinct else [""] * len(places)
    zones = sorted(set(names))
    position = {zone: at for at, zone in enumerate(zones)}
    tariff = {size: at for at, size in enumerate(distinct)}
    shape = (len(distinct), len(zones), len(zones))

    def matrices(price: Callable[[str, str, int], int]) -> Ints:
        values = [price(a, b, size) for size in distinct for a in zones for b in zones]
        return np.array(values, dtype=np.int64).reshape(shape)

    return Network(
        zone=np.array([position[name] for name in names], dtype=np.int64),
        tariff=np.array([tariff.get(size, -1) for size in sizes], dtype=np.int64),
        cost=matrices(transfers.cost_micro_usd),
        seconds=matrices(transfers.seconds),
    )


def inbound(transfers: TransferTable, source: DataSource, place: Place) -> tuple[int, int]:
    """Return (micro-USD, seconds) of bringing ``source`` to ``place``; nothing within the source's own cloud.

    The source's region is unknown, so its cloud's default network zone prices the way out.
    """
    if source.cloud == place[0] or not source.size_bytes:
        return 0, 0
    a, b = transfers.zone_of(source.cloud, ""), transfers.zone_of(*place)
    return transfers.cost_micro_usd(a, b, source.size_bytes), transfers.seconds(a, b, source.size_bytes)
