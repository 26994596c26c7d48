"""The root of every error this project raises on purpose.

    SkyError
    ├── UserError          the caller's input is wrong; print it, never retry
    ├── Infeasible         nothing in the catalog satisfies the request
    ├── CatalogError       a snapshot is missing, damaged or of another schema version
    ├── SourceError        a provider's price list could not be had, or is not what it should be
    └── ExecutorError      an effect on a place failed (see ``executors.errors``)

The public ``sky.exceptions`` tree derives from ``SkyError`` too, so one ``except SkyError`` catches
everything that is ours and nothing that is a bug.
"""

from __future__ import annotations

from typing import Any


class SkyError(Exception):
    """Base class of every error raised on purpose by this project."""


class UserError(SkyError, ValueError):
    """The caller's input is wrong: name the field, the place it came from, and the fix."""


class Infeasible(SkyError):
    """No offer satisfies the request; the message says which filter removed the last one.

    ``task`` is the task's name, ``filters`` the steps of its selection (each with ``name`` and ``kept``),
    ``suggestions`` the smallest changes that would make it feasible, one sentence each.
    """

    def __init__(
        self,
        message: str,
        *,
        task: str = "",
        filters: tuple[Any, ...] = (),
        suggestions: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.task = task
        self.filters = filters
        self.suggestions = suggestions


class CatalogError(SkyError):
    """A catalog snapshot is missing, damaged, or written with another schema version."""


class SourceError(SkyError):
    """A source of facts failed; ``source`` is its name, the message says at what and what mends it."""

    def __init__(self, source: str, message: str) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source


class ExecutorError(SkyError):
    """An effect on a place failed; the subclass says what the caller does next."""
