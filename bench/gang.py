"""A cluster of three real hosts for the cases that run gangs on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.host_pool import POOL, host_pool
from bench.sample import sky
from tests.hosts.host import Host

NAME, NODES = "gang", 3


@contextmanager
def gang(home: Path) -> Iterator[Host]:
    """Launch the cluster ``NAME`` and return its head; ``home`` is the user's."""
    with host_pool(home, NODES) as hosts:
        sky("launch", "-y", "-c", NAME, "--infra", f"ssh/{POOL}", "--num-nodes", str(NODES), "true")
        try:
            yield hosts[0]
        finally:
            sky("down", "-y", NAME)
