"""Verbs on the jobs of one cluster: queue, cancel, tail_logs, download_logs, job_status."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from catalog.errors import UserError
from executors.errors import HostUnreachable
from executors.job import JobRecord, JobState
from sky.control.connection import Connection, connected, existing, up
from sky.control.identity import user_name
from sky.control.state import open_store
from sky.statuses import ClusterStatus, JobStatus

_log = logging.getLogger("sky.jobs")

LOGS = "~/sky_logs"


def queue(cluster_name: str, skip_finished: bool = False, all_users: bool = False) -> list[dict[str, Any]]:
    """Return the jobs of a cluster, newest first.

    Each is a dict with ``job_id, job_name, username, submitted_at, start_at, end_at, resources, status,
    exit_code, log_path, pid``. Raises ``ClusterDoesNotExist``, ``ClusterNotUpError``.
    """
    with connected(up(open_store(), cluster_name, "queue")) as cluster:
        jobs = cluster.queue.jobs()
    me = user_name()
    return [
        _as_dict(job)
        for job in jobs
        if (all_users or job.username in {"", me}) and not (skip_finished and job.state.terminal)
    ]


def _as_dict(job: JobRecord) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "job_name": job.name,
        "username": job.username,
        "submitted_at": job.submitted_at,
        "start_at": job.started_at,
        "end_at": job.ended_at,
        "resources": job.resources,
        "status": JobStatus(job.state.value),
        "exit_code": job.exit_code,
        "log_path": f"{LOGS}/{job.run_timestamp}",
        "pid": job.pid,
    }


def cancel(
    cluster_name: str,
    all: bool = False,  # noqa: A002  the public name
    job_ids: Sequence[int] | None = None,
    _try_cancel_if_cluster_is_init: bool = False,
) -> list[int]:
    """End jobs: the named ones, all that are not over, or the latest that runs.

    Returns the ids of those that were not over yet. Raises ``ValueError`` for ``all`` together with
    ``job_ids``, ``ClusterDoesNotExist``, ``ClusterNotUpError``.
    """
    if all and job_ids is not None:
        raise UserError("cancel: give either all=True or job_ids, not both")
    store = open_store()
    record = existing(store, cluster_name)
    if not (_try_cancel_if_cluster_is_init and record.status is ClusterStatus.INIT):
        record = up(store, cluster_name, "cancel")
    with connected(record) as cluster:
        chosen = _to_cancel(cluster, all_jobs=all, job_ids=job_ids)
        return cluster.queue.cancel(chosen) if chosen else []


def _to_cancel(cluster: Connection, *, all_jobs: bool, job_ids: Sequence[int] | None) -> list[int]:
    if job_ids is not None:
        return list(job_ids)
    jobs = cluster.queue.jobs()
    if all_jobs:
        return [job.job_id for job in jobs if not job.state.terminal]
    return [job.job_id for job in jobs if job.state is JobState.RUNNING][:1]


def tail_logs(cluster_name: str, job_id: int | None, follow: bool = True, tail: int = 0) -> None:
    """Write a job's log to stdout: to its end when ``follow``, only the last ``tail`` lines when not 0.

    ``None`` is the latest job. Raises ``ClusterDoesNotExist``, ``ClusterNotUpError``, ``ValueError`` for a
    job that the cluster does not have.
    """
    show_log(cluster_name, job_id, follow=follow, tail=tail)


def show_log(cluster_name: str, job_id: int | None, *, follow: bool = True, tail: int = 0) -> JobRecord:
    """Do what ``tail_logs`` does, and return how the job stands afterwards."""
    with connected(up(open_store(), cluster_name, "logs")) as cluster:
        job = _job(cluster, job_id)
        return stream(cluster, job.job_id, follow=follow, tail=tail)


def stream(
    cluster: Connection, job_id: int, *, follow: bool = True, tail: int = 0, show: bool = True
) -> JobRecord:
    """Copy a job's log to stdout, unless not to ``show`` it, and return its record.

    Ctrl-C leaves the job running and says how to come back.
    """
    out = _stdout() if show else io.BytesIO()
    try:
        for chunk in cluster.queue.tail(job_id, follow=follow, lines=tail):
            out.write(chunk)
            out.flush()
    except KeyboardInterrupt:
        name = cluster.record.name
        _log.info("Detached; job %d goes on. Its log: sky logs %s %d", job_id, name, job_id)
        _log.info("To end it: sky cancel %s %d", name, job_id)
        raise
    except HostUnreachable:
        name = cluster.record.name
        _log.info("Job %d does not end with the connection. Its log: sky logs %s %d", job_id, name, job_id)
        raise
    return _job(cluster, job_id)


def _stdout() -> BinaryIO:
    """Return stdout as bytes, also where it has been replaced by something that takes text only."""
    sys.stdout.flush()
    return getattr(sys.stdout, "buffer", None) or _TextBytes()  # type: ignore[return-value]


class _TextBytes:
    def write(self, chunk: bytes) -> None:
        sys.stdout.write(chunk.decode("utf-8", "replace"))

    def flush(self) -> None:
        sys.stdout.flush()


def download_logs(
    cluster_name: str, job_ids: Sequence[int] | None, local_dir: str = "~/sky_logs"
) -> dict[int, str]:
    """Copy the logs of jobs (the latest for ``None``) to this machine; returns the folder of each job."""
    target = Path(local_dir).expanduser()
    with connected(up(open_store(), cluster_name, "download_logs")) as cluster:
        jobs = [_job(cluster, None)] if job_ids is None else _jobs(cluster, job_ids)
        folders = {}
        for job in jobs:
            folder = target / cluster_name / job.run_timestamp
            folder.parent.mkdir(parents=True, exist_ok=True)
            cluster.transport.get(f"{LOGS}/{job.run_timestamp}", folder)
            folders[job.job_id] = str(folder)
    return folders


def job_status(
    cluster_name: str, job_ids: Sequence[int] | None, stream_logs: bool = False
) -> dict[int | None, JobStatus | None]:
    """Return the state of jobs by id, ``None`` for an unknown one; ``job_ids=None`` asks for the latest."""
    with connected(up(open_store(), cluster_name, "job_status")) as cluster:
        jobs = cluster.queue.jobs(job_ids)
    if job_ids is None:
        latest = jobs[:1]
        found: dict[int | None, JobStatus | None] = {job.job_id: JobStatus(job.state.value) for job in latest}
        found = found or {None: None}
    else:
        states = {job.job_id: JobStatus(job.state.value) for job in jobs}
        found = {job_id: states.get(job_id) for job_id in job_ids}
    if stream_logs:
        for job_id, state in found.items():
            _log.info("Job %s: %s", job_id, state.value if state else "unknown")
    return found


def _jobs(cluster: Connection, job_ids: Iterable[int]) -> list[JobRecord]:
    wanted = list(job_ids)
    found = {job.job_id: job for job in cluster.queue.jobs(wanted)}
    for job_id in wanted:
        if job_id not in found:
            raise UserError(
                f"cluster {cluster.record.name} has no job {job_id}; see: sky queue {cluster.record.name}"
            )
    return [found[job_id] for job_id in wanted]


def _job(cluster: Connection, job_id: int | None) -> JobRecord:
    if job_id is not None:
        return _jobs(cluster, [job_id])[0]
    jobs = cluster.queue.jobs()
    if not jobs:
        raise UserError(
            f"cluster {cluster.record.name} has no job yet; run one with: sky exec {cluster.record.name} CMD"
        )
    return jobs[0]
