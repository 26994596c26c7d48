"""Every public error, and what the caller can do about it.

    catalog.errors.SkyError
    ├── UserError (ValueError)                       fix the input; never retry
    │   ├── SpecError                                a field is wrong; carries its path and file:line
    │   │   ├── MisuseError (AssertionError)         fields, or calls, that contradict each other
    │   │   │   └── NullKeyError                     an unknown key whose value is null
    │   │   └── StorageSpecError
    │   │       ├── StorageSourceError
    │   │       ├── StorageNameError
    │   │       └── StorageModeError
    │   ├── ClusterDoesNotExist
    │   ├── ClusterNotUpError                        carries cluster_status and handle
    │   └── InvalidClusterNameError
    ├── Infeasible
    │   └── ResourcesUnavailableError                nothing fits, or every place that fits was tried
    ├── ResourcesMismatchError                       the request does not fit the existing cluster
    ├── NotSupportedError                            that place or backend cannot do it
    ├── InvalidCloudConfigs
    ├── ProvisionPrechecksError                      carries reasons
    ├── ManagedJobReachedMaxRetriesError, ManagedJobStatusError, ManagedJobUserCancelledError
    ├── CommandError                                 carries returncode, command, error_msg
    ├── ClusterSetUpError
    ├── StorageError
    │   ├── StorageInitError
    │   │   ├── StorageBucketCreateError
    │   │   └── StorageBucketGetError
    │   │       └── StorageExternalDeletionError
    │   │           └── NonExistentStorageAccountError
    │   ├── StorageBucketDeleteError
    │   └── StorageUploadError
    ├── FetchClusterInfoError                        carries reason
    ├── NetworkError
    ├── ClusterStatusFetchingError
    ├── CloudUserIdentityError
    ├── ClusterOwnerIdentityMismatchError
    ├── NoCloudAccessError
    ├── AWSAzFetchingError                           carries region and reason
    ├── ServeUserTerminatedError
    ├── PortDoesNotExistError
    ├── UserRequestRejectedByPolicy
    ├── NoClusterLaunchedError
    └── StopFailoverError                            a clean-up failed: money may be leaking

``SpecError`` holds the path of the field inside the task; ``within`` prefixes that path while a nested
part is being read, and ``sky.yaml_io`` turns it into ``file:line:column``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

from catalog.errors import Infeasible, SkyError, UserError

if TYPE_CHECKING:
    from sky.statuses import ClusterStatus

KEYBOARD_INTERRUPT_CODE = 130
SIGTSTP_CODE = 146
RSYNC_FILE_NOT_FOUND_CODE = 23
MOUNT_PATH_NON_EMPTY_CODE = 42


class SpecError(UserError):
    """A field of a task, its resources or its storage is wrong.

    ``path`` names the field from the outermost key inwards, ``location`` is ``file:line:column`` or ``""``.
    """

    def __init__(self, problem: str, *path: str | int, location: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path
        self.location = location

    def __str__(self) -> str:
        field = dotted(self.path)
        return ": ".join(part for part in (self.location, field, self.problem) if part)


class MisuseError(SpecError, AssertionError):
    """Fields, or calls, that contradict each other; the message says what would do."""


class NullKeyError(MisuseError):
    """An unknown key whose value is null."""


def dotted(path: Sequence[str | int]) -> str:
    """Return a field's path as a person writes it: ``resources.any_of[1].cpus``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@contextmanager
def within(*path: str | int) -> Iterator[None]:
    """Prefix ``path`` to the path of every ``SpecError`` raised inside; other user errors become one."""
    try:
        yield
    except SpecError as error:
        error.path = (*path, *error.path)
        raise
    except UserError as error:
        raise SpecError(str(error), *path) from error


class ResourcesUnavailableError(Infeasible):
    """Nothing in the catalog fits, or every place that fits was tried and refused.

    ``failover_history`` lists the errors of the attempts in order; it is empty when nothing fitted at all.
    ``attempts`` says the same in plain values: cloud, region, zone, instance_type, use_spot,
    price_usd_per_hour, kind, reason, message, scope, at (seconds since the epoch), seconds and more.
    """

    def __init__(
        self, message: str, no_failover: bool = False, failover_history: Sequence[Exception] | None = None
    ) -> None:
        super().__init__(message)
        self.no_failover = no_failover
        self.failover_history: list[Exception] = list(failover_history or ())
        self.attempts: list[dict[str, Any]] = []

    def with_failover_history(self, failover_history: Sequence[Exception]) -> ResourcesUnavailableError:
        """Set the history and return this error, so that it can be raised in one expression."""
        self.failover_history = list(failover_history)
        return self


class ResourcesMismatchError(SkyError):
    """The request does not fit the existing cluster, or contradicts itself."""


class NotSupportedError(SkyError):
    """The place or the backend cannot do what was asked; the message says what can."""


class InvalidCloudConfigs(SkyError):
    """The configuration of a cloud is wrong."""


class ProvisionPrechecksError(SkyError):
    """The checks before provisioning failed; ``reasons`` holds each failure."""

    def __init__(self, reasons: Sequence[Exception]) -> None:
        super().__init__("; ".join(str(reason) for reason in reasons))
        self.reasons = list(reasons)


class ManagedJobReachedMaxRetriesError(SkyError):
    """A managed job used up its restarts."""


class ManagedJobStatusError(SkyError):
    """A managed job is in a state that does not allow the operation."""


class ManagedJobUserCancelledError(SkyError):
    """The user cancelled the managed job."""


class CommandError(SkyError):
    """A command on a node ended with ``returncode``."""

    def __init__(
        self, returncode: int, command: str, error_msg: str, detailed_reason: str | None = None
    ) -> None:
        self.returncode = returncode
        self.command = command
        self.error_msg = error_msg
        self.detailed_reason = detailed_reason
        shown = command if len(command) <= 100 else command[:97] + "..."
        super().__init__(f"command {shown!r} ended with exit code {returncode}: {error_msg}")


class ClusterNotUpError(UserError):
    """The cluster is not UP; ``cluster_status`` says what it is."""

    def __init__(self, message: str, cluster_status: ClusterStatus | None, handle: Any = None) -> None:
        super().__init__(message)
        self.cluster_status = cluster_status
        self.handle = handle


class ClusterSetUpError(SkyError):
    """The cluster is up but could not be prepared for jobs."""


class ClusterDoesNotExist(UserError):
    """No cluster has that name."""


class InvalidClusterNameError(UserError):
    """The name does not match ``[a-zA-Z]([-_.a-zA-Z0-9]*[a-zA-Z0-9])?`` or is too long."""


class StorageError(SkyError):
    """An operation on a bucket failed."""


class StorageInitError(StorageError):
    """A bucket could not be made ready."""


class StorageBucketCreateError(StorageInitError):
    """A bucket could not be created."""


class StorageBucketGetError(StorageInitError):
    """An existing bucket could not be read."""


class StorageExternalDeletionError(StorageBucketGetError):
    """The bucket was deleted by somebody else."""


class NonExistentStorageAccountError(StorageExternalDeletionError):
    """The Azure storage account does not exist."""


class StorageBucketDeleteError(StorageError):
    """A bucket could not be deleted."""


class StorageUploadError(StorageError):
    """Files did not reach the bucket."""


class StorageSpecError(SpecError):
    """A storage specification contradicts itself."""


class StorageSourceError(StorageSpecError):
    """The source of a storage is missing or of the wrong kind."""


class StorageNameError(StorageSpecError):
    """The name of a storage is missing or not a bucket name."""


class StorageModeError(StorageSpecError):
    """The mode cannot be used with that source."""


class FetchClusterInfoError(SkyError):
    """The addresses of a cluster's nodes could not be read."""

    class Reason(Enum):
        """Which node could not be read."""

        HEAD = "HEAD"
        WORKER = "WORKER"

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"cannot read the address of the {reason.value.lower()} node")
        self.reason = reason


class NetworkError(SkyError):
    """The network is not reachable."""


class ClusterStatusFetchingError(SkyError):
    """The provider did not say how the cluster is."""


class CloudUserIdentityError(SkyError):
    """The provider did not say who the user is."""


class ClusterOwnerIdentityMismatchError(SkyError):
    """The cluster belongs to another user."""


class NoCloudAccessError(SkyError):
    """No cloud is enabled; ``sky check`` says why."""


class AWSAzFetchingError(SkyError):
    """The zones of an AWS region could not be read."""

    class Reason(Enum):
        """Why they could not be read."""

        AUTH_FAILURE = "AUTH_FAILURE"
        AZ_PERMISSION_DENIED = "AZ_PERMISSION_DENIED"

    def __init__(self, region: str, reason: Reason) -> None:
        super().__init__(f"cannot read the availability zones of {region}: {reason.value}")
        self.region = region
        self.reason = reason


class ServeUserTerminatedError(SkyError):
    """The user ended the service while it was starting."""


class PortDoesNotExistError(SkyError):
    """The cluster does not open that port."""


class UserRequestRejectedByPolicy(SkyError):
    """The administrator's policy refuses the request."""


class NoClusterLaunchedError(SkyError):
    """Nothing was launched, so there is nothing to clean up."""


class StopFailoverError(SkyError):
    """A clean-up after a failed attempt failed; no other place is tried, so that nothing leaks unseen."""
