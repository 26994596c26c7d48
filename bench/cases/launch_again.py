"""What ``sky.launch`` on a cluster that is up adds to its job, in a warm process."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

from bench.case import Case, Pair
from bench.local_cluster import NAME, local_cluster
from bench.sample import Sample, timed, timed_process

JOB = "sleep 0.5"


@contextlib.contextmanager
def _prepare(_home: Path) -> Iterator[Pair]:
    with local_cluster():
        yield _launch, _job_alone


def _launch() -> Sample:
    import sky

    task = sky.Task(run=JOB)
    task.set_resources(sky.Resources(infra="local", cpus="1+", memory="1+"))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        sample, (job_id, _) = timed(lambda: sky.launch(task, cluster_name=NAME))
    assert sky.job_status(NAME, [job_id])[job_id] == sky.JobStatus.SUCCEEDED
    return sample


def _job_alone() -> Sample:
    return timed_process(["bash", "-c", JOB])[0]


CASE = Case("sky.launch on a cluster that is up", "the job alone", _prepare, rounds=5, target_s=1.0)
