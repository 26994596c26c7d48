"""What runs on a cluster: the specification of a job, its states, and which may follow which."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class JobState(str, Enum):
    """A job's state, in the order a job can move through them.

    The agent stores these names; ``sky.JobStatus`` is the public view of the same words.
    """

    INIT = "INIT"
    """An id was given out; the job is not queued yet."""
    PENDING = "PENDING"
    """Queued, waiting for resources."""
    SETTING_UP = "SETTING_UP"
    """Its resources are taken and its setup commands run."""
    RUNNING = "RUNNING"
    """Its run commands run."""
    FAILED_DRIVER = "FAILED_DRIVER"
    """What watched the job ended before the job's end was known (killed runner, reboot)."""
    SUCCEEDED = "SUCCEEDED"
    """Exit code 0."""
    FAILED = "FAILED"
    """Its run commands ended with another exit code, took too long (124), or lost a node (255)."""
    FAILED_SETUP = "FAILED_SETUP"
    """Its setup commands failed; run was not started."""
    CANCELLED = "CANCELLED"
    """The user ended it."""

    @property
    def terminal(self) -> bool:
        """Whether no other state can follow."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.INIT: frozenset({JobState.PENDING, JobState.FAILED_DRIVER, JobState.CANCELLED}),
    JobState.PENDING: frozenset(
        {JobState.SETTING_UP, JobState.RUNNING, JobState.FAILED_DRIVER, JobState.CANCELLED}
    ),
    JobState.SETTING_UP: frozenset(
        {JobState.RUNNING, JobState.FAILED_SETUP, JobState.FAILED_DRIVER, JobState.CANCELLED}
    ),
    JobState.RUNNING: frozenset(
        {JobState.SUCCEEDED, JobState.FAILED, JobState.FAILED_DRIVER, JobState.CANCELLED}
    ),
    JobState.FAILED_DRIVER: frozenset(),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.FAILED_SETUP: frozenset(),
    JobState.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Demand:
    """What a job takes from one node while it runs; accelerators may be fractions of one.

    What is ``capped`` is also the most that it may use, where the node can see to that.
    """

    cpus_milli: int = 500
    memory_mib: int = 0
    accelerator: str = ""
    accelerators_milli: int = 0
    cpus_capped: bool = False
    memory_capped: bool = False


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What to run. ``scripts`` holds one shell script per rank, or a single one for every rank.

    An empty script runs nothing on that rank. ``setup`` is run before, inside the job, in SETTING_UP.
    ``env`` may hold secrets, so it is left out of the repr. ``run_timestamp`` names the log folder
    ``~/sky_logs/<run_timestamp>/``. A ``pinned`` job runs on the cluster's first nodes, others on any.

    The queue starts the highest ``priority`` first. An attempt that takes longer than ``max_duration_s`` is
    ended with exit code 124. A job that fails is tried again up to ``retries`` times: after any exit code but
    124, or, where ``retry_codes`` has some, after those.
    """

    name: str
    scripts: tuple[str, ...]
    run_timestamp: str
    setup: str = ""
    env: dict[str, str] = field(default_factory=dict, repr=False)
    demand: Demand = Demand()
    num_nodes: int = 1
    username: str = ""
    resources: str = ""
    pinned: bool = False
    priority: int = 0
    max_duration_s: int | None = None
    retries: int = 0
    retry_codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as its queue knows it. Times are seconds since the epoch, ``None`` where not reached."""

    job_id: int
    name: str
    state: JobState
    username: str
    resources: str
    run_timestamp: str
    submitted_at: float
    started_at: float | None
    ended_at: float | None
    exit_code: int | None
    pid: int | None
