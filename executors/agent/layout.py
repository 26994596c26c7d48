"""Where the agent keeps its files on a node, and the settings that it was given."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict

STATE_DIR = ".sky_agent"
SOCKET = "agent.sock"


class Layout:
    """The paths below one home directory.

    The state directory is 0700 and the files in it 0600: specifications of jobs may hold secrets.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = home / STATE_DIR
        self.database = self.state / "agent.db"
        self.lock = self.state / "agent.lock"
        self.config = self.state / "config.json"
        self.daemon_log = self.state / "agent.log"
        self.scripts = self.state / "scripts"
        self.logs = home / "sky_logs"
        self.workdir = home / "sky_workdir"

    @classmethod
    def here(cls) -> Layout:
        """Return the layout below ``$HOME``, with the state directory made."""
        layout = cls(Path(os.environ.get("HOME") or Path.home()))
        layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        layout.state.chmod(0o700)
        return layout

    def log_dir(self, run_timestamp: str) -> Path:
        """Return the folder of one job's logs."""
        return self.logs / run_timestamp


class Config:
    """What the client told the agent of its node; written by the client as ``config.json``."""

    def __init__(self, values: Dict[str, Any]) -> None:
        capacity = values.get("capacity", {})
        self.cpus_milli = int(capacity.get("cpus_milli") or 1000 * (os.cpu_count() or 1))
        self.memory_mib = int(capacity.get("memory_mib") or _memory_mib())
        self.accelerator = str(capacity.get("accelerator", ""))
        self.accelerators = int(capacity.get("accelerators", 0))
        self.cluster_name = str(values.get("cluster_name", ""))
        self.marker = str(values.get("marker", ""))
        self.addresses = [str(address) for address in values.get("addresses", ["127.0.0.1"])]
        self.rank = int(values.get("rank", 0))
        self.allocation = [str(name) for name in values.get("allocation", [])]
        self.may_sudo = bool(values.get("may_sudo", True))
        self.kept = bool(values.get("kept", False))
        self.actions = {str(k): [str(word) for word in v] for k, v in values.get("actions", {}).items()}
        self.cancel_grace_s = float(values.get("cancel_grace_s", 10.0))
        self.poll_s = float(values.get("poll_s", 2.0))
        self.seconds_per_idle_minute = float(values.get("seconds_per_idle_minute", 60.0))

    @property
    def own_slurm(self) -> bool:
        """Whether the nodes are several and a Slurm of ours runs on them, which then keeps the queue."""
        return len(self.addresses) > 1 and not self.allocation

    @classmethod
    def read(cls, layout: Layout) -> Config:
        """Return the settings on disk; the node's own figures where there are none."""
        try:
            return cls(json.loads(layout.config.read_text("utf-8")))
        except FileNotFoundError:
            return cls({})


def _memory_mib() -> int:
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20)


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` with mode 0600, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(str(temporary), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
