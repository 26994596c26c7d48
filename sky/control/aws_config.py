"""The section ``aws`` of the user's configuration.

aws:
  specific_reservations: [cr-0123456789abcdef0]   # use these capacity reservations
  prioritize_reservations: true                   # and every open one of the account
"""

from __future__ import annotations

from executors.aws.settings import Settings
from sky import config


def read() -> Settings:
    """Return what the configuration says. Raises ``SpecError`` where it is wrong."""
    section = config.get_nested(("aws",), {})
    return Settings(
        reservation_ids=tuple(section.get("specific_reservations", ())),
        open_ones=section.get("prioritize_reservations", False),
    )
