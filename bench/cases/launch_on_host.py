"""How long ``sky launch`` takes from nothing to the end of a job on a host of a pool, as a whole process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.host_pool import POOL, host_pool
from bench.hosts import bare_ssh
from bench.sample import Sample, sky


@contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    with host_pool(home, 1) as (host,):

        def launch() -> Sample:
            sample, out = sky("launch", "-y", "-c", "new", "--infra", f"ssh/{POOL}", "echo the job ran")
            assert "the job ran" in out, out
            sky("down", "-y", "new")
            return sample

        yield launch, lambda: bare_ssh(host)


CASE = Case("sky launch on a host", "one login by ssh", _prepare, rounds=5, target_s=3.0)
