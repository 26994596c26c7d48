"""How long ``sky status`` takes with one cluster up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.local_cluster import NAME, local_cluster
from bench.sample import Sample, bare_python, sky


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    with local_cluster():
        yield _status, bare_python


def _status() -> Sample:
    sample, out = sky("status")
    assert NAME in out, out
    return sample


CASE = Case("sky status", "bare Python start-up", _prepare, target_s=0.5)
