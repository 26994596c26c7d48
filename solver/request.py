"""Request: everything a plan depends on besides the catalog, as one immutable value.

The solver is a pure function of ``(Request, catalog table, transfer table)``. Whatever the user meant is
already resolved here: names are canonical, sizes are integers, durations are rules, and each default that
was added on the user's behalf is said in a ``note``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from catalog.errors import UserError
from catalog.offer import Market
from catalog.scope import Scope


class Objective(str, Enum):
    """What is minimised first; the other one breaks ties, then the offer key does."""

    COST = "cost"
    TIME = "time"


class Risk(str, Enum):
    """How the risk of spot counts: that it is interrupted, and that its price moves (``solver.risk``)."""

    IGNORE = "ignore"
    """Not at all."""
    EXPECTED = "expected"
    """Spot takes and costs what it is expected to with all its interruptions."""
    AVERSE = "averse"
    """As ``EXPECTED``, and one standard deviation of the cost from the moving price comes on top."""


class Basis(str, Enum):
    """What a runtime scales with."""

    FIXED = "fixed"
    VCPUS = "vcpus"
    ACCELERATORS = "accelerators"


@dataclass(frozen=True, slots=True)
class Range:
    """A closed integer interval; ``None`` leaves that side open."""

    lower: int | None = None
    upper: int | None = None

    def __post_init__(self) -> None:
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise UserError(f"empty range: {self.lower} > {self.upper}")


@dataclass(frozen=True, slots=True)
class Accelerators:
    """One accepted accelerator: its canonical name and how many a node has, in thousandths."""

    name: str
    count_milli: int


@dataclass(frozen=True, slots=True)
class Runtime:
    """How long a task runs on a candidate: ``seconds * (reference / capacity) ** exponent``.

    ``capacity`` is the candidate's milli-vCPUs (``VCPUS``) or its whole-node bf16 GFLOP/s
    (``ACCELERATORS``), ``reference`` is in the same unit, and ``FIXED`` ignores both. A candidate whose
    capacity is unknown takes ``seconds``. Results are rounded up to whole seconds.
    ``note`` says where the figure comes from; it is printed in the plan.
    """

    seconds: int
    basis: Basis = Basis.FIXED
    reference: int = 0
    exponent: float = 1.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One acceptable kind of node. Empty tuples and ``None`` do not restrict.

    ``memory_mib_per_vcpu`` is a lower bound that scales with the candidate's own vCPUs, which must be known;
    ``accelerators`` lists accepted (name, count) pairs.
    ``runtimes`` overrides ``runtime`` for a given accelerator (same order as ``accelerators``).
    ``risk`` says how that of spot counts, ``checkpoint_s`` how much work an interruption undoes at most:
    ``None`` for a job that then begins anew.
    ``defaults`` are what was added on the user's behalf: a kind of filter (``solver.filters``) and a sentence
    on it. ``notes`` are other remarks, one sentence each.
    """

    label: str
    runtime: Runtime
    cloud: str | None = None
    region: str | None = None
    zone: str | None = None
    clouds: tuple[str, ...] = ()
    instance_type: str | None = None
    vcpus_milli: Range = Range()
    memory_mib: Range = Range()
    memory_mib_per_vcpu: int | None = None
    accelerators: tuple[Accelerators, ...] = ()
    runtimes: tuple[Runtime, ...] = ()
    markets: tuple[Market, ...] = (Market.ON_DEMAND,)
    archs: tuple[str, ...] = ("x86_64",)
    allow_burstable: bool = False
    allow_bare_metal: bool = False
    allow_restricted_regions: bool = False
    max_price_micro_usd: int | None = None
    risk: Risk = Risk.IGNORE
    checkpoint_s: int | None = None
    defaults: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataSource:
    """Data that must reach a task from outside the DAG: a cloud (its region unknown) and a size in bytes."""

    cloud: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """One task: acceptable nodes in order of the user's writing, and how many of them.

    ``ordered`` keeps only the first requirement that any offer satisfies; otherwise all compete.
    ``blocks`` apply to this task alone.
    """

    name: str
    requirements: tuple[Requirement, ...]
    num_nodes: int = 1
    ordered: bool = False
    inputs: tuple[DataSource, ...] = ()
    blocks: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """``target`` needs ``size_bytes`` of what ``source`` wrote; both are indices into ``Request.tasks``."""

    source: int
    target: int
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """All tasks, how they depend on each other, and what is minimised.

    Names are unique, edges acyclic (``Problem`` construction checks both). ``blocks`` apply to every task.
    """

    tasks: tuple[TaskRequest, ...]
    edges: tuple[Edge, ...] = ()
    objective: Objective = Objective.COST
    blocks: tuple[Scope, ...] = ()
    notes: tuple[str, ...] = ()
