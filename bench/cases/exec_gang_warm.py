"""What ``sky.exec`` on three hosts takes in a warm process; its job does nothing."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

from bench.case import Case, Pair
from bench.gang import NAME, NODES, gang
from bench.hosts import bare_ssh
from bench.sample import Sample, timed


@contextlib.contextmanager
def _prepare(home: Path) -> Iterator[Pair]:
    with gang(home) as head:
        yield _exec, lambda: bare_ssh(head)


def _exec() -> Sample:
    import sky

    task = sky.Task(run="true", num_nodes=NODES)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        sample, (job_id, _) = timed(lambda: sky.exec(task, NAME))
    assert sky.job_status(NAME, [job_id])[job_id] == sky.JobStatus.SUCCEEDED
    return sample


CASE = Case("sky.exec on three hosts", "one login by ssh", _prepare, rounds=5, target_s=1.0)
