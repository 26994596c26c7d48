"""What is written down of a run, so that another process can use it or clear it away."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.hosts.network import Bridge
from tests.hosts.process import Process

_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Record:
    """A run's owner (``pid start``; empty: it stays until taken down), its kind of hosts, and its network."""

    owner: str
    kind: str
    disk_mib: int
    network: int = -1
    mac: str = ""

    @property
    def abandoned(self) -> bool:
        """Whether the owner is gone without having cleared away."""
        return bool(self.owner) and not Process.parse(self.owner).alive

    @property
    def bridge(self) -> Bridge | None:
        return Bridge(self.network, self.mac) if self.mac else None

    def write(self, folder: Path) -> None:
        new = folder / f"{_FILE}.new"
        new.write_text(json.dumps(asdict(self)))
        new.replace(folder / _FILE)

    @classmethod
    def read(cls, folder: Path) -> Record:
        return cls(**json.loads((folder / _FILE).read_text()))


def place() -> Path:
    """The folder below TMPDIR that holds the runs of this user."""
    folder = Path(tempfile.gettempdir()) / f"sky-hosts-{os.getuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user; set TMPDIR to a folder of your own")
    return folder


def runs() -> list[Path]:
    """The folder of every run there is."""
    return sorted(path.parent for path in place().glob(f"*/{_FILE}"))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file at ``path``: one process at a time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
