"""How long it takes to find that a node has all 3,000 files already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.nodes import bare_rsync, nodes, project
from bench.sample import Sample, timed, timed_process


@contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    source = project(home / "project")
    with nodes(1) as (node,):

        def ours() -> Sample:
            sample, copied = timed(lambda: node.transport.put(source, "~/ours", delete=True))
            assert copied in {0, 3000}, copied
            return sample

        def theirs() -> Sample:
            return timed_process(bare_rsync(node, source, "theirs"))[0]

        yield ours, theirs


CASE = Case("3,000 files that are there", "rsync -a", _prepare, target_s=0.5)
