"""A pool of real hosts for the cases that launch on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.hosts import hosts
from bench.sample import sky
from tests.hosts.host import Host

POOL = "bench"


@contextmanager
def host_pool(home: Path, count: int) -> Iterator[list[Host]]:
    """Make ``count`` hosts a pool that is up; ``home`` is the user's. Raises ``NotHere`` without hosts."""
    with hosts(count) as up:
        pool = {
            "user": up[0].user,
            "identity_file": str(up[0].identity_file),
            "hosts": [{"ip": host.ip, "port": host.port} for host in up],
        }
        folder = home / ".sky"
        folder.mkdir(exist_ok=True)
        (folder / "ssh_node_pools.yaml").write_text(json.dumps({POOL: pool}), encoding="utf-8")
        sky("ssh", "up", "-y", POOL)
        yield up
