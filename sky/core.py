"""The verbs on clusters and their jobs, in one place."""

from __future__ import annotations

from sky.control.cluster_jobs import cancel, download_logs, job_status, queue, tail_logs
from sky.control.clusters import autostop, down, start, status, stop
from sky.control.costs import cost_report
from sky.launcher import exec, launch  # noqa: A004  the public name

__all__ = [
    "autostop",
    "cancel",
    "cost_report",
    "down",
    "download_logs",
    "exec",
    "job_status",
    "launch",
    "queue",
    "start",
    "status",
    "stop",
    "tail_logs",
]
