"""What the user's configuration says of AWS."""

from __future__ import annotations

from dataclasses import dataclass

from executors.settings import Configured


@dataclass(frozen=True, slots=True)
class Settings:
    """Which capacity reservations may be used: those of these ids, with ``open_ones`` all open ones, too."""

    reservation_ids: tuple[str, ...] = ()
    open_ones: bool = False


_configured = Configured(Settings())
read_with = _configured.read_with
current = _configured.current
