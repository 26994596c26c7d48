"""``launch`` and ``exec``, as scripts call them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from sky.control.handles import ClusterHandle
from sky.control.stages import LaunchOptions, exec_task, launch_task
from sky.exceptions import MisuseError, NotSupportedError
from sky.fields.risk import parse
from sky.statuses import OptimizeTarget

if TYPE_CHECKING:
    from sky.dag import Dag
    from sky.task import Task
    from solver.request import Risk


def launch(
    task: Task | Dag,
    cluster_name: str | None = None,
    retry_until_up: bool = False,
    idle_minutes_to_autostop: int | None = None,
    dryrun: bool = False,
    down: bool = False,
    stream_logs: bool = True,
    backend: Any = None,
    optimize_target: OptimizeTarget = OptimizeTarget.COST,
    detach_setup: bool = False,
    detach_run: bool = False,
    no_setup: bool = False,
    clone_disk_from: str | None = None,
    fast: bool = False,
    _is_launched_by_jobs_controller: bool = False,
    _is_launched_by_sky_serve_controller: bool = False,
    _disable_controller_check: bool = False,
    *,
    race: int = 1,
    retry_for_s: float | None = None,
    risk: Risk | str | None = None,
) -> tuple[int | None, ClusterHandle | None]:
    """Launch a task on a new cluster or an existing one; returns ``(job_id, handle)``.

    ``clone_disk_from`` names a stopped cluster: every node of the new one starts from a copy of its head's
    disk, where that can be used (the same cloud; on AWS the same region).
    ``race`` tries so many of the best places at once and keeps the first that is up; until then all are paid
    for. ``retry_for_s`` is ``retry_until_up`` for no longer than so many seconds.
    ``risk`` is how the risk of spot counts in the choice: ``ignore``, ``expected`` or ``averse``, by default
    what the configuration says.

    Blocks until the job ends unless ``detach_run``; its log goes to stdout unless not ``stream_logs``. The
    job's own failure is no error: see ``job_status``. Raises ``ResourcesUnavailableError`` (with
    ``failover_history`` and ``attempts``), ``StopFailoverError`` when a failed attempt may have left
    something, ``ResourcesMismatchError``, ``InvalidClusterNameError``, ``NotSupportedError``,
    ``CommandError`` when setup or a sync fails (the cluster stays up), ``ClusterOwnerIdentityMismatchError``.
    """
    _check_backend(backend)
    options = LaunchOptions(
        retry_until_up=retry_until_up,
        idle_minutes=idle_minutes_to_autostop,
        dryrun=dryrun,
        down=down,
        stream_logs=stream_logs,
        target=optimize_target,
        detach_setup=detach_setup,
        detach_run=detach_run,
        no_setup=no_setup,
        clone_disk_from=clone_disk_from,
        fast=fast,
        race=race,
        retry_for_s=retry_for_s,
        risk=parse(risk),
    )
    return launch_task(the_task(task, "launch"), cluster_name, options).pair


def exec(  # noqa: A001  the public name and signature
    task: Task | Dag,
    cluster_name: str,
    dryrun: bool = False,
    down: bool = False,
    stream_logs: bool = True,
    backend: Any = None,
    detach_run: bool = False,
) -> tuple[int | None, ClusterHandle | None]:
    """Run a task on a cluster that is UP: sync its workdir, queue it; returns ``(job_id, handle)``.

    Raises ``ClusterDoesNotExist``, ``ClusterNotUpError`` (``ValueError`` both), ``ResourcesMismatchError``.
    """
    _check_backend(backend)
    only = the_task(task, "exec")
    return exec_task(
        only, cluster_name, dryrun=dryrun, down=down, stream_logs=stream_logs, detach_run=detach_run
    ).pair


def the_task(entrypoint: Task | Dag, verb: str) -> Task:
    """Return a copy of the one task of ``entrypoint``. Raises ``TypeError``, ``ValueError`` for several."""
    from sky.dag import Dag
    from sky.task import Task

    if isinstance(entrypoint, Dag):
        if len(entrypoint.tasks) != 1:
            raise MisuseError(
                f"sky.{verb} runs one task, and this DAG has {len(entrypoint.tasks)}; sky.optimize plans all"
            )
        entrypoint = entrypoint.tasks[0]
    if isinstance(entrypoint, str):
        raise TypeError(
            f"sky.{verb} takes a Task; write sky.Task(run={entrypoint!r}) or sky.Task.from_yaml(path)"
        )
    if not isinstance(entrypoint, Task):
        raise TypeError(f"sky.{verb} takes a Task, not {type(entrypoint).__name__}")
    return copy.deepcopy(entrypoint)


def _check_backend(backend: Any) -> None:
    if backend is not None:
        raise NotSupportedError("backend: clusters have one backend here; leave it out")
