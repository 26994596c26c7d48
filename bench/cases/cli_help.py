"""How long ``sky --help`` takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.sample import Sample, bare_python, sky


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    yield _help, bare_python


def _help() -> Sample:
    sample, out = sky("--help")
    assert "launch" in out, out
    return sample


CASE = Case("sky --help", "bare Python start-up", _prepare, target_s=0.25)
