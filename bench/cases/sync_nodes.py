"""How long 3,000 files take to four nodes at once, against one after the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.nodes import FILES, nodes, project
from bench.sample import Sample, timed
from executors.fanout import on_each

NODES = 4


@contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    source = project(home / "project")
    with nodes(NODES) as made:
        fresh = (f"target{number}" for number in itertools.count())

        def at_once(limit: int) -> Sample:
            target = next(fresh)

            def put(rank: int) -> int:
                return made[rank].transport.put(source, f"~/{target}", delete=True)

            sample, copied = timed(
                lambda: on_each(
                    range(NODES),
                    put,
                    step="sync",
                    cancel=lambda rank: made[rank].transport.close(),
                    limit=limit,
                )
            )
            assert set(copied.values()) == {FILES}, copied
            for node in made:
                node.transport.run(["rm", "-r", target])
            return sample

        yield lambda: at_once(NODES), lambda: at_once(1)


CASE = Case("3,000 files to four nodes", "to one after the other", _prepare, rounds=3)
