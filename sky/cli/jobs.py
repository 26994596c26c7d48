"""``sky queue logs cancel``."""

from __future__ import annotations

import time
from typing import Any

import click

from catalog.errors import UserError
from sky.cli.choose import matching
from sky.cli.options import cluster_argument, clusters_argument, json_option, yes_option
from sky.exceptions import ClusterDoesNotExist, ClusterNotUpError
from sky.statuses import ClusterStatus, JobStatus

EXIT_CANCELLED = 143


@click.command("queue")
@clusters_argument
@click.option("--all-users", "-a", is_flag=True, help="Show the jobs of other users too.")
@click.option("--skip-finished", "-s", is_flag=True, help="Show only jobs that are not over.")
@json_option
def queue_command(clusters: tuple[str, ...], all_users: bool, skip_finished: bool, as_json: bool) -> None:
    """Show the jobs of clusters (of all that are up, when none is named), newest first.

    \b
    Examples:
      sky queue
      sky queue dev -s
      sky queue dev --json
    """
    from sky.control.cluster_jobs import queue
    from sky.control.state import open_store

    records = open_store().records()
    if clusters:
        names = [record.name for record in matching(records, clusters)]
    else:
        names = [record.name for record in records if record.status is ClusterStatus.UP]
    if len(names) == 1:
        jobs = {names[0]: queue(names[0], skip_finished=skip_finished, all_users=all_users)}
    else:
        found = [(name, _jobs_or_none(name, skip_finished, all_users)) for name in names]
        jobs = {name: rows for name, rows in found if rows is not None}
    if as_json:
        from sky.cli.render import show_json

        show_json(jobs)
        return
    if not jobs:
        click.echo("No cluster is up. Launch one with: sky launch TASK.yaml")
    for name, rows in jobs.items():
        click.echo(f"Jobs of cluster {name}:")
        _show_jobs(rows, all_users=all_users)


def _jobs_or_none(name: str, skip_finished: bool, all_users: bool) -> list[dict[str, Any]] | None:
    from sky.control.cluster_jobs import queue

    try:
        return queue(name, skip_finished=skip_finished, all_users=all_users)
    except (ClusterNotUpError, ClusterDoesNotExist) as error:
        click.echo(str(error), err=True)
        return None


def _show_jobs(jobs: list[dict[str, Any]], *, all_users: bool) -> None:
    from sky.cli.render import ago, lasted, show_table

    now = time.time()
    columns = ["ID", "NAME", "SUBMITTED", "STARTED", "DURATION", "RESOURCES", "STATUS", "LOG"]
    if all_users:
        columns.insert(2, "USER")
    rows = []
    for job in jobs:
        row = [
            str(job["job_id"]),
            job["job_name"] or "-",
            ago(job["submitted_at"], now),
            ago(job["start_at"], now),
            lasted(job["start_at"], job["end_at"], now),
            job["resources"],
            job["status"].name,
            job["log_path"],
        ]
        if all_users:
            row.insert(2, job["username"] or "-")
        rows.append(row)
    show_table(columns, rows, right=("ID",), wrap=("NAME", "LOG"))


@click.command("logs")
@cluster_argument
@click.argument("job_ids", nargs=-1, type=int)
@click.option("--sync-down", "-s", is_flag=True, help="Copy the logs to ~/sky_logs instead of showing them.")
@click.option("--status", is_flag=True, help="Print the job's state only; exit 0 if it succeeded.")
@click.option(
    "--follow/--no-follow", default=True, help="Follow the log to the job's end, or show what there is."
)
@click.option("--tail", type=int, default=0, metavar="N", help="Show the last N lines only.")
def logs_command(
    *, cluster: str, job_ids: tuple[int, ...], sync_down: bool, status: bool, follow: bool, tail: int
) -> int:
    """Show the log of a job (the latest when none is named); the exit code is the job's.

    Ctrl-C ends the showing, not the job.

    \b
    Examples:
      sky logs dev
      sky logs dev 3 --no-follow --tail 20
      sky logs dev 1 2 --sync-down
    """
    if sync_down:
        from sky.control.cluster_jobs import download_logs

        for job_id, folder in download_logs(cluster, list(job_ids) or None).items():
            click.echo(f"Job {job_id}: {folder}")
        return 0
    if len(job_ids) > 1:
        raise UserError("sky logs: name one job, or add --sync-down to copy the logs of several")
    wanted = job_ids[0] if job_ids else None
    if status:
        return _show_status(cluster, wanted)
    from sky.control.cluster_jobs import show_log

    record = show_log(cluster, wanted, follow=follow, tail=tail)
    return exit_code(JobStatus(record.state.value), record.exit_code)


def _show_status(cluster: str, job_id: int | None) -> int:
    from sky.control.cluster_jobs import job_status

    ((found, state),) = job_status(cluster, None if job_id is None else [job_id]).items()
    if state is None:
        raise UserError(f"cluster {cluster} has no job" + ("" if found is None else f" {found}"))
    click.echo(f"Job {found}: {state.name}")
    return 0 if state is JobStatus.SUCCEEDED else 1


def exit_code(state: JobStatus, code: int | None) -> int:
    """Return the exit code that stands for a job: its own, or one for how it ended; 0 while it goes on."""
    if state is JobStatus.SUCCEEDED or not state.is_terminal():
        return 0
    if code:
        return code
    return EXIT_CANCELLED if state is JobStatus.CANCELLED else 1


@click.command("cancel")
@cluster_argument
@click.argument("job_ids", nargs=-1, type=int)
@click.option("--all", "-a", "all_jobs", is_flag=True, help="All jobs that are not over.")
@yes_option
def cancel_command(cluster: str, job_ids: tuple[int, ...], all_jobs: bool, yes: bool) -> None:
    """Cancel jobs: those named, all, or the latest that runs.

    \b
    Examples:
      sky cancel dev 3
      sky cancel dev 3 4 5
      sky cancel dev --all -y
    """
    from sky.control.cluster_jobs import cancel

    if all_jobs and job_ids:
        raise UserError("sky cancel: give either job ids or --all, not both")
    if not yes:
        which = (
            "all jobs"
            if all_jobs
            else "jobs " + ", ".join(map(str, job_ids))
            if job_ids
            else "the latest job"
        )
        click.confirm(f"Cancel {which} on cluster {cluster}?", default=True, abort=True, err=True)
    ended = cancel(cluster, all=all_jobs, job_ids=list(job_ids) or None)
    click.echo(f"Cancelled: {', '.join(map(str, ended))}." if ended else "No job to cancel.")
