"""What the user's configuration says of AWS.

It is read by whoever knows its form (``read_with``); executors only ask for what it says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Which capacity reservations may be used: those of these ids, with ``open_ones`` all open ones, too."""

    reservation_ids: tuple[str, ...] = ()
    open_ones: bool = False


Reader = Callable[[], Settings]

_readers: list[Reader] = []


def read_with(reader: Reader) -> None:
    """Let ``reader`` say what the settings are, in this process."""
    _readers[:] = [reader]


def current() -> Settings:
    """Return the settings."""
    return _readers[0]() if _readers else Settings()
