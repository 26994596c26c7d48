"""What our way of running a command adds to bare ``ssh`` over a connection that is warm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.nodes import nodes
from bench.sample import Sample, timed, timed_process

COMMANDS = 20


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    with nodes(1) as (node,):

        def ours() -> Sample:
            sample, outs = timed(lambda: [node.transport.run(["echo", "x"]).stdout for _ in range(COMMANDS)])
            assert outs == ["x\n"] * COMMANDS
            return Sample(sample.seconds / COMMANDS)

        def theirs() -> Sample:
            samples = [timed_process([*node.ssh, "echo x"])[0] for _ in range(COMMANDS)]
            return Sample(sum(sample.seconds for sample in samples) / COMMANDS)

        yield ours, theirs


CASE = Case("a command over a warm connection", "ssh, its connection shared", _prepare, target_ratio=2.0)
