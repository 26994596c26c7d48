"""The seam between the executors' errors and the public ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from catalog.errors import ExecutorError, SkyError
from executors.errors import (
    AgentUnreachable,
    AuthError,
    CleanupIncomplete,
    HostUnreachable,
    SetupFailed,
    SyncFailed,
    Unsupported,
)
from sky.exceptions import (
    CloudUserIdentityError,
    ClusterSetUpError,
    ClusterStatusFetchingError,
    CommandError,
    NotSupportedError,
)


class ClusterOperationError(SkyError, RuntimeError):
    """A cluster could not be stopped or torn down; something of it may still exist, and bill."""


@contextmanager
def public_errors() -> Iterator[None]:
    """Raise executors' errors as their public counterparts; those without one pass as they are."""
    try:
        yield
    except SetupFailed as error:
        raise CommandError(error.returncode, "setup", f"{error} (log: {error.log_path})") from error
    except SyncFailed as error:
        raise CommandError(1, "file sync", str(error)) from error
    except Unsupported as error:
        raise NotSupportedError(str(error)) from error
    except (AgentUnreachable, HostUnreachable) as error:
        raise ClusterSetUpError(str(error)) from error


@contextmanager
def effect_on(cluster: str, verb: str, *, forgive: bool) -> Iterator[None]:
    """Raise ``ClusterOperationError`` when an effect on ``cluster`` fails, unless the user forgives it."""
    try:
        yield
    except ExecutorError as error:
        if forgive:
            return
        advice = (
            "" if isinstance(error, CleanupIncomplete) else f"; try sky {verb} again, or --purge to forget it"
        )
        doing = "take down" if verb == "down" else verb
        raise ClusterOperationError(f"could not {doing} cluster {cluster}: {error}{advice}") from error


@contextmanager
def describing(cluster: str) -> Iterator[None]:
    """Raise ``ClusterStatusFetchingError`` when a provider does not say how ``cluster`` is."""
    try:
        yield
    except AuthError as error:
        raise CloudUserIdentityError(f"cluster {cluster}: {error}") from error
    except ExecutorError as error:
        raise ClusterStatusFetchingError(f"cluster {cluster}: {error}") from error
