"""Execution errors, named by what the caller does next.

ExecutorError
├── OutOfCapacity, QuotaExceeded   record the attempt, solve again
│   └── Declined                   as OutOfCapacity, for a reason that only the provider's words tell
├── AuthError                      block the cloud for this run, say how to fix it
├── Transient                      retry in place until the deadline
├── NotFound                       success when deleting
├── Unsupported                    this place cannot do that; choose another or drop the request
├── SetupFailed, JobFailed         the user's code; never fail over
├── SyncFailed                     files did not reach the node
├── AgentUnreachable               the node's agent does not answer
│   └── AgentMissing               there is none on the node
├── HostUnreachable                the node itself does not answer; another host, or the same one later
│   ├── ConnectionLost             what was under way may have been done or not; only reads are done again
│   ├── LoginRefused               it answers, and lets nobody in with these keys
│   ├── HostKeyUnknown             it answers, and nobody has said yet that it is the right one
│   └── HostKeyChanged             it answers as another machine than the one that was pinned
└── CleanupIncomplete              money may be leaking: the loudest
"""

from __future__ import annotations

from catalog.errors import ExecutorError
from catalog.scope import Scope


class ScopedError(ExecutorError):
    """A failure that holds for every offer in ``scope`` during the next ``ttl_s`` seconds."""

    def __init__(self, message: str, scope: Scope, ttl_s: int) -> None:
        super().__init__(message)
        self.scope = scope
        self.ttl_s = ttl_s


class OutOfCapacity(ScopedError):
    """The provider has none left in ``scope``."""


class Declined(OutOfCapacity):
    """The provider gives none in ``scope`` for another reason than a shortage, or one that no table knows."""


class QuotaExceeded(ScopedError):
    """The account may not have more in ``scope``."""


class AuthError(ScopedError):
    """The provider refuses the credentials."""


class Transient(ExecutorError):
    """Worth the same call again, until the deadline."""


class NotFound(ExecutorError):
    """The thing does not exist; success when deleting."""


class Unsupported(ExecutorError):
    """This place cannot do what was asked; the message says what can."""


class SyncFailed(ExecutorError):
    """Files did not reach the node."""


class AgentUnreachable(ExecutorError):
    """The agent on the node does not answer."""


class AgentMissing(AgentUnreachable):
    """The node answers, and has no agent: nothing was started there yet, or what was is put away."""


class HostUnreachable(ExecutorError):
    """No connection to ``host``, or it broke; the message says why and what to do."""

    def __init__(self, message: str, host: str) -> None:
        super().__init__(message)
        self.host = host


class LoginRefused(HostUnreachable):
    """The host refuses the user or every key that was offered."""


class ConnectionLost(HostUnreachable):
    """The connection broke: what was under way may have been done or not."""


class HostKeyUnknown(HostUnreachable):
    """The host's key is in no known_hosts file."""


class HostKeyChanged(HostUnreachable):
    """The host shows another key than the one that is known for it."""


class SetupFailed(ExecutorError):
    """The user's setup commands failed on a node."""

    def __init__(self, message: str, returncode: int, log_path: str) -> None:
        super().__init__(message)
        self.returncode = returncode
        self.log_path = log_path


class JobFailed(ExecutorError):
    """The user's job ended with a non-zero exit code."""

    def __init__(self, message: str, returncode: int) -> None:
        super().__init__(message)
        self.returncode = returncode


class CleanupIncomplete(ExecutorError):
    """Something may still exist, and bill; the message says what and how to remove it by hand."""
