"""What ``sky exec`` on three hosts takes as a whole process; its job does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.gang import NAME, NODES, gang
from bench.hosts import bare_ssh
from bench.sample import Sample, sky


@contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    with gang(home) as head:

        def ours() -> Sample:
            sample, out = sky("exec", NAME, "--num-nodes", str(NODES), "echo rank $SKYPILOT_NODE_RANK")
            assert all(f"rank {rank}\n" in out for rank in range(NODES)), out
            return sample

        yield ours, lambda: bare_ssh(head)


CASE = Case("sky exec on three hosts", "one login by ssh", _prepare, rounds=5, target_s=1.8)
