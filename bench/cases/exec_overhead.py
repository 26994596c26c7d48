"""What ``sky exec`` as a whole process adds to a job of one second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, Pair
from bench.local_cluster import NAME, local_cluster
from bench.sample import Sample, sky, timed_process

JOB = "sleep 1; echo the job ran"


@contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    with local_cluster():
        yield _exec, _job_alone


def _exec() -> Sample:
    sample, out = sky("exec", NAME, JOB)
    assert "the job ran" in out, out
    return sample


def _job_alone() -> Sample:
    sample, out = timed_process(["bash", "-c", JOB])
    assert out == "the job ran\n", out
    return sample


CASE = Case("sky exec of a job", "the job alone", _prepare, rounds=5, target_s=2.0)
