"""Public states of clusters, jobs, storage and services, and the optimisation target."""

from __future__ import annotations

from enum import Enum


class OptimizeTarget(Enum):
    """What a plan minimises first."""

    COST = 0
    TIME = 1


class ClusterStatus(Enum):
    """State of a cluster as its record has it."""

    INIT = "INIT"
    """Being launched, or abnormal: some of it may be live, and may bill."""
    UP = "UP"
    """Every node is ready for jobs."""
    STOPPED = "STOPPED"
    """No node runs; the disks are kept."""


class _DeclarationOrder(Enum):
    """An enum whose members compare by the order of their declaration."""

    def _rank(self) -> int:
        return list(type(self)).index(self)

    def __lt__(self, other: object) -> bool:
        return self._rank() < other._rank() if isinstance(other, type(self)) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self._rank() <= other._rank() if isinstance(other, type(self)) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self._rank() > other._rank() if isinstance(other, type(self)) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self._rank() >= other._rank() if isinstance(other, type(self)) else NotImplemented


class JobStatus(_DeclarationOrder):
    """State of a job in a cluster's queue; ordered by declaration."""

    INIT = "INIT"
    PENDING = "PENDING"
    SETTING_UP = "SETTING_UP"
    RUNNING = "RUNNING"
    FAILED_DRIVER = "FAILED_DRIVER"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    FAILED_SETUP = "FAILED_SETUP"
    CANCELLED = "CANCELLED"

    def is_terminal(self) -> bool:
        """Return whether no other state can follow."""
        return self not in self.nonterminal_statuses()

    @classmethod
    def nonterminal_statuses(cls) -> list[JobStatus]:
        """Return the states of a job that is not over."""
        return [cls.INIT, cls.PENDING, cls.SETTING_UP, cls.RUNNING]

    @classmethod
    def user_code_failure_states(cls) -> list[JobStatus]:
        """Return the states that the user's own code ends in when it fails."""
        return [cls.FAILED, cls.FAILED_SETUP]


class ManagedJobStatus(Enum):
    """State of a managed job."""

    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    RECOVERING = "RECOVERING"
    CANCELLING = "CANCELLING"
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"
    FAILED_SETUP = "FAILED_SETUP"
    FAILED_PRECHECKS = "FAILED_PRECHECKS"
    FAILED_NO_RESOURCE = "FAILED_NO_RESOURCE"
    FAILED_CONTROLLER = "FAILED_CONTROLLER"

    def is_terminal(self) -> bool:
        """Return whether no other state can follow."""
        return self in self.terminal_statuses()

    def is_failed(self) -> bool:
        """Return whether the job ended by a failure."""
        return self in self.failure_statuses()

    @classmethod
    def terminal_statuses(cls) -> list[ManagedJobStatus]:
        """Return the states of a job that is over."""
        return [cls.SUCCEEDED, cls.CANCELLED, *cls.failure_statuses()]

    @classmethod
    def failure_statuses(cls) -> list[ManagedJobStatus]:
        """Return the states of a job that ended by a failure."""
        return [
            cls.FAILED,
            cls.FAILED_SETUP,
            cls.FAILED_PRECHECKS,
            cls.FAILED_NO_RESOURCE,
            cls.FAILED_CONTROLLER,
        ]


class StorageStatus(Enum):
    """State of a storage as its record has it."""

    INIT = "INIT"
    INIT_FAILED = "INIT_FAILED"
    UPLOAD_FAILED = "UPLOAD_FAILED"
    READY = "READY"


class ServiceStatus(Enum):
    """State of a service."""

    CONTROLLER_INIT = "CONTROLLER_INIT"
    REPLICA_INIT = "REPLICA_INIT"
    CONTROLLER_FAILED = "CONTROLLER_FAILED"
    READY = "READY"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    FAILED = "FAILED"
    FAILED_CLEANUP = "FAILED_CLEANUP"
    NO_REPLICA = "NO_REPLICA"


class ReplicaStatus(Enum):
    """State of one replica of a service."""

    PENDING = "PENDING"
    PROVISIONING = "PROVISIONING"
    STARTING = "STARTING"
    READY = "READY"
    NOT_READY = "NOT_READY"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    FAILED = "FAILED"
    FAILED_INITIAL_DELAY = "FAILED_INITIAL_DELAY"
    FAILED_PROBING = "FAILED_PROBING"
    FAILED_PROVISION = "FAILED_PROVISION"
    FAILED_CLEANUP = "FAILED_CLEANUP"
    PREEMPTED = "PREEMPTED"
    UNKNOWN = "UNKNOWN"
