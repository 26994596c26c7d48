"""Plan: which offer each task gets, why, and how sure that is. Immutable; JSON both ways.

Money and time are stored as integers and shown as floats, so totals recompute exactly. The JSON form is in
``plan_json``, versioned and documented in ``docs/plan-json.md``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from catalog.units import BYTES_PER_GB, MIB_PER_GIB, MILLI, usd


class Status(str, Enum):
    """What is known of a plan: proven optimal, or the best found before the limit."""

    OPTIMAL = "OPTIMAL"
    FEASIBLE = "FEASIBLE"


@dataclass(frozen=True, slots=True)
class CatalogInfo:
    """Which snapshot a plan was made on. ``sources`` are (cloud, source, rows, oldest and newest date)."""

    snapshot_id: str
    as_of: str
    rows: int
    sources: tuple[tuple[str, str, int, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One offer for one task, priced for all its nodes. Units stand in the names."""

    cloud: str
    region: str
    zone: str | None
    instance_type: str
    accelerator: str | None
    accelerator_count_milli: int
    use_spot: bool
    vcpus_milli: int
    memory_mib: int
    arch: str
    price_micro_usd_per_hour: int
    cost_micro_usd: int
    time_s: int
    price_as_of: str | None = None
    source: str | None = None

    @property
    def accelerators(self) -> dict[str, float | int] | None:
        """``{name: count}`` for one node, or ``None``."""
        if self.accelerator is None:
            return None
        count = self.accelerator_count_milli / MILLI
        return {self.accelerator: int(count) if count.is_integer() else count}

    @property
    def vcpus(self) -> float:
        """vCPUs of one node."""
        return self.vcpus_milli / MILLI

    @property
    def memory_gib(self) -> float:
        """Memory of one node in GiB."""
        return self.memory_mib / MIB_PER_GIB

    @property
    def price_usd_per_hour(self) -> float:
        """USD an hour for one node."""
        return usd(self.price_micro_usd_per_hour)

    @property
    def cost_usd(self) -> float:
        """USD for the task's whole runtime on all its nodes, without data transfer between tasks."""
        return usd(self.cost_micro_usd)


@dataclass(frozen=True, slots=True)
class SpotRisk:
    """The risk of a spot choice, and what of its time and cost is there for it (``solver.risk``).

    ``kind`` is the request's ``Risk``. ``interruption_ppm`` is the chance that a node is interrupted within a
    month, ``assumed`` where the provider publishes none; ``run_interruption_ppm`` that any node is in
    ``time_s`` less ``extra_time_s``. ``volatility_ppm`` is how much the price moves in a month, ``None``
    where that was not to count; ``deviation_micro_usd`` is what it adds.
    """

    kind: str
    interruption_ppm: int
    assumed: bool
    run_interruption_ppm: int
    checkpoint_s: int | None
    extra_time_s: int
    extra_cost_micro_usd: int
    volatility_ppm: int | None
    deviation_micro_usd: int


@dataclass(frozen=True, slots=True)
class Filter:
    """One step of candidate selection: its name (``"accelerators A100:8"``) and how many rows it kept."""

    name: str
    kept: int


@dataclass(frozen=True, slots=True)
class Placement:
    """One task's chosen offer, ranked runners-up, and how the choice came about.

    ``considered`` is the best choice of each (cloud, accelerator, market), the chosen one included, in the
    objective's order; ``alternatives`` are the next best choices in ranked order, the chosen one left out.
    ``risk`` is that of a spot choice, where it was to count.
    ``start_s`` is when the task begins, counted from the start of the plan.
    """

    name: str
    num_nodes: int
    choice: Choice
    start_s: int
    alternatives: tuple[Choice, ...]
    considered: tuple[Choice, ...]
    candidates: int
    filters: tuple[Filter, ...]
    runtime_note: str
    notes: tuple[str, ...]
    risk: SpotRisk | None = None

    @property
    def cloud(self) -> str:
        """The chosen offer's cloud."""
        return self.choice.cloud

    @property
    def region(self) -> str:
        """The chosen offer's region."""
        return self.choice.region

    @property
    def zone(self) -> str | None:
        """The chosen offer's zone, ``None`` where the cloud has none."""
        return self.choice.zone

    @property
    def instance_type(self) -> str:
        """The chosen offer's instance type."""
        return self.choice.instance_type

    @property
    def accelerators(self) -> dict[str, float | int] | None:
        """The accelerators of one node."""
        return self.choice.accelerators

    @property
    def use_spot(self) -> bool:
        """Whether the chosen offer is spot."""
        return self.choice.use_spot

    @property
    def vcpus(self) -> float:
        """vCPUs of one node."""
        return self.choice.vcpus

    @property
    def memory_gib(self) -> float:
        """Memory of one node in GiB."""
        return self.choice.memory_gib

    @property
    def arch(self) -> str:
        """The chosen offer's processor architecture."""
        return self.choice.arch

    @property
    def price_usd_per_hour(self) -> float:
        """USD an hour for one node."""
        return self.choice.price_usd_per_hour

    @property
    def cost_usd(self) -> float:
        """USD for the task's whole runtime on all its nodes, without data transfer."""
        return self.choice.cost_usd

    @property
    def time_s(self) -> int:
        """The task's runtime on the chosen offer."""
        return self.choice.time_s

    @property
    def price_as_of(self) -> str | None:
        """The date of the chosen offer's price."""
        return self.choice.price_as_of

    @property
    def source(self) -> str | None:
        """Where the chosen offer's price comes from."""
        return self.choice.source


@dataclass(frozen=True, slots=True)
class Transfer:
    """Data that moves along an edge (or in from outside, ``source`` then being the cloud's name)."""

    source: str
    target: str
    source_place: str
    target_place: str
    size_bytes: int
    cost_micro_usd: int
    time_s: int

    @property
    def size_gb(self) -> float:
        """The amount in GB."""
        return self.size_bytes / BYTES_PER_GB

    @property
    def cost_usd(self) -> float:
        """USD for moving it."""
        return usd(self.cost_micro_usd)


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer to a ``Request``.

    ``total_cost_micro_usd`` is every choice's cost plus every transfer's; ``total_time_s`` is the makespan.
    ``bound`` is the best proven bound of the objective (micro-USD or seconds): equal to the total when
    ``status`` is ``OPTIMAL``. ``solve_time_s`` is the only field that differs between runs.
    """

    status: Status
    objective: str
    total_cost_micro_usd: int
    total_time_s: int
    bound_value: int
    solve_time_s: float
    catalog: CatalogInfo
    tasks: tuple[Placement, ...]
    transfers: tuple[Transfer, ...]
    blocks: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def total_cost_usd(self) -> float:
        """USD for the whole plan."""
        return usd(self.total_cost_micro_usd)

    @property
    def bound(self) -> float:
        """The proven bound in the objective's public unit: USD for cost, seconds for time."""
        return usd(self.bound_value) if self.objective == "cost" else float(self.bound_value)

    @property
    def objective_value(self) -> int:
        """What was minimised, as an integer: micro-USD for cost, seconds for time."""
        return self.total_cost_micro_usd if self.objective == "cost" else self.total_time_s

    @property
    def gap(self) -> float:
        """How far the bound lies below the objective, relative to the objective; 0 when proven."""
        value = self.objective_value
        return (value - self.bound_value) / value if value else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the versioned JSON form as plain values."""
        from solver.plan_json import plan_to_dict

        return plan_to_dict(self)

    def to_json(self, indent: int | None = None) -> str:
        """Return the versioned JSON form as text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Plan:
        """Read what ``to_dict`` wrote. Raises ``UserError`` for another schema version or a missing key."""
        from solver.plan_json import plan_from_dict

        return plan_from_dict(data)

    def digest(self) -> str:
        """Return the SHA-256 (hex) of everything but ``solve_time_s``: equal plans have equal digests."""
        data = self.to_dict()
        del data["solve_time_s"]
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
