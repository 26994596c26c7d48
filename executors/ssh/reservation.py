"""Who holds a host: the line of JSON that stands on the host itself, so that everybody sees the same."""

from __future__ import annotations

import getpass
import json
import socket
from dataclasses import asdict, dataclass

from executors.errors import AgentUnreachable


@dataclass(frozen=True, slots=True)
class Reservation:
    """One host of a cluster of ``num_nodes``: whose it is, its rank (the head's is 0), and since when.

    ``owner`` is ``user@machine`` of the launcher, ``at`` whole seconds since the epoch.
    """

    cluster_id: str
    cluster_name: str
    owner: str
    at: int
    rank: int = 0
    num_nodes: int = 1

    def to_json(self) -> str:
        """Return the line that stands on the host; ``host.sh`` looks for its cluster id in it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Reservation:
        """Read the line. Raises ``AgentUnreachable`` when it is none."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            raise AgentUnreachable(
                f"~/.sky_reservation on the host cannot be read ({text[:80]!r}); "
                "remove that file there if no cluster of yours uses the host"
            ) from None

    def __str__(self) -> str:
        return f"{self.cluster_name} ({self.owner})"


def me() -> str:
    """Return who reserves hosts from here: ``user@machine``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
