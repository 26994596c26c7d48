"""A cluster on this machine for the cases that need one, gone again when they are done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.sample import sky

NAME = "bench"


@contextmanager
def local_cluster() -> Iterator[None]:
    """Launch the cluster ``NAME`` on this machine, and take it down in the end."""
    sky("launch", "-y", "-c", NAME, "--infra", "local", "--cpus", "1+", "--memory", "1+", "true")
    try:
        yield
    finally:
        sky("down", "-y", NAME)
