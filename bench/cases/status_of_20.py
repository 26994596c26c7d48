"""How long ``sky status --refresh`` takes for 20 clusters; three hosts are dead, cut off and frozen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, NotHere, Pair
from bench.host_pool import POOL, host_pool
from bench.hosts import bare_ssh
from bench.sample import Sample, sky
from tests.hosts.machine import Machine

CLUSTERS = 20


@contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    with host_pool(home, CLUSTERS) as hosts:
        machines = [host for host in hosts if isinstance(host, Machine)]
        if len(machines) < CLUSTERS:
            raise NotHere("hosts that can be harmed need root and namespaces")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(_launch, range(CLUSTERS)))
        machines[3].crash()
        machines[8].partition()
        machines[13].freeze()

        def status() -> Sample:
            sample, out = sky("status", "--refresh")
            assert (out.count(" UP "), out.count(" INIT ")) == (CLUSTERS - 3, 3), out
            return sample

        yield status, lambda: bare_ssh(hosts[0])


def _launch(number: int) -> None:
    sky("launch", "-y", "-c", f"c{number}", "--infra", f"ssh/{POOL}", "true")


CASE = Case("sky status --refresh, 20 hosts", "one login by ssh", _prepare, rounds=5, target_s=5.0)
