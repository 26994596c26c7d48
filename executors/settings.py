"""Settings: what a configuration says of one executor, read by whoever knows its form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Configured(Generic[_T]):
    """Settings that somebody above reads: an executor only asks what they are, ``default`` if nobody does."""

    def __init__(self, default: _T) -> None:
        self._default = default
        self._reader: Callable[[], _T] | None = None

    def read_with(self, reader: Callable[[], _T]) -> None:
        """Let ``reader`` say what the settings are, in this process."""
        self._reader = reader

    def current(self) -> _T:
        """Return the settings."""
        return self._reader() if self._reader else self._default
