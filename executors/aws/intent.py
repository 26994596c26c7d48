"""What this machine asked EC2 for: written before each call that makes instances, as its answer may be lost.

An intent is one JSON file (mode 0600) in ``SKY_HOME/aws``, named by the cluster id. With it a cluster is
looked for in one region, and an instance that EC2 does not list yet is waited for.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from catalog.home import sky_home
from executors.transports.ssh_files import write_private

SETTLE_S = 20.0
"""How long EC2 may take to list an instance that it made."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Where instances were asked for; ``open_at`` is when (epoch seconds), 0 once EC2 had answered."""

    region: str
    zone: str = ""
    generation: int = 0
    open_at: float = 0.0

    @property
    def unsettled(self) -> bool:
        """Whether there may be instances that EC2 does not list yet."""
        return 0 <= time.time() - self.open_at < SETTLE_S


def write(cluster_id: str, intent: Intent) -> None:
    """Note what is asked for, in the place of what was."""
    path = _path(cluster_id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, json.dumps(asdict(intent)))


def read(cluster_id: str) -> Intent | None:
    """Return what was asked for from here; ``None`` for nothing."""
    try:
        return Intent(**json.loads(_path(cluster_id).read_text("utf-8")))
    except FileNotFoundError:
        return None


def forget(cluster_id: str) -> None:
    """Remove the note; none is fine."""
    _path(cluster_id).unlink(missing_ok=True)


def _path(cluster_id: str) -> Path:
    return sky_home() / "aws" / f"{cluster_id}.json"
