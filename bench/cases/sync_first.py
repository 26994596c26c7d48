"""How long 3,000 files of 50 MB take to a node that has none of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.nodes import FILES, bare_rsync, nodes, project
from bench.sample import Sample, timed, timed_process


@contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    source = project(home / "project")
    with nodes(1) as (node,):
        fresh = (f"target{number}" for number in itertools.count())

        def ours() -> Sample:
            target = next(fresh)
            sample, copied = timed(lambda: node.transport.put(source, f"~/{target}", delete=True))
            assert copied == FILES, copied
            node.transport.run(["rm", "-r", target])
            return sample

        def theirs() -> Sample:
            target = next(fresh)
            sample, _ = timed_process(bare_rsync(node, source, target))
            node.transport.run(["rm", "-r", target])
            return sample

        yield ours, theirs


CASE = Case("3,000 files to an empty node", "rsync -a", _prepare, rounds=5, target_ratio=1.2)
