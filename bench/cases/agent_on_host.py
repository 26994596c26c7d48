"""How long a host of a pool takes to have a cluster with its agent running, in a warm process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.host_pool import POOL, host_pool
from bench.hosts import bare_ssh
from bench.sample import Sample, timed
from executors import lifecycle, ssh
from executors.api import NodeRequest, NodeState
from executors.ssh import pools
from executors.ssh.offers import offers_of


@contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    with host_pool(home, 1) as (host,):
        executor, pool = ssh.executor(), pools.load(POOL)
        assert pool is not None
        offer = offers_of(pool)[0]
        names = (f"c-{number}" for number in itertools.count())

        def bring_up() -> Sample:
            name = next(names)
            sample, handle = timed(lambda: lifecycle.bring_up(executor, NodeRequest(name, name, offer)))
            assert executor.provisioner.describe(handle).state is NodeState.RUNNING
            lifecycle.tear_down(executor, handle)
            return sample

        yield bring_up, lambda: bare_ssh(host)


CASE = Case("the agent on a reachable host", "one login by ssh", _prepare, rounds=5, target_s=1.5)
