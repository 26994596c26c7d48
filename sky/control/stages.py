"""The stages from a task to a running job on one cluster, in order.

Launch: clone disk, provision, sync workdir, sync file mounts, setup, autostop, submit, follow, down. Exec:
sync workdir, submit, follow, down.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.errors import SkyError, UserError
from executors import lifecycle, node_setup
from executors.api import Autostop, WaitFor
from executors.job import JobRecord
from sky.control.bringup import restart
from sky.control.cluster_jobs import stream
from sky.control.clusters import set_autostop, tear_down
from sky.control.connection import apply, connected, existing, up, view_of
from sky.control.disk_clone import cloned_disk, confined, stopped_source
from sky.control.failover import Order, launch_new, remove_aside
from sky.control.handles import ClusterHandle, handle_of
from sky.control.identity import check_cluster_name, check_owner, command_line, new_cluster_name
from sky.control.jobspec import environment, job_spec, run_timestamp
from sky.control.locks import FOREVER, ClusterBusy
from sky.control.losers import Losers
from sky.control.matching import matched
from sky.control.outlook import MOST_RACERS, Outlook
from sky.control.patience import Patience
from sky.control.reconcile import decide
from sky.control.records import ClusterRecord
from sky.control.search import Search
from sky.control.state import StaleRecord, Store, open_store
from sky.exceptions import NotSupportedError
from sky.fields.idle_stop import check_minutes
from sky.fields.mounts import is_uri
from sky.statuses import ClusterStatus, JobStatus, OptimizeTarget

if TYPE_CHECKING:
    from sky.resources import Resources
    from sky.task import Task
    from solver.request import Risk

_log = logging.getLogger("sky.launch")

GUARD_MINUTES = 1
"""The least idle time that a launch sets. ``down`` without one sets it as a guard; the launcher itself tears
down as soon as it can."""


def _show_nothing(_outlook: Outlook) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """How to launch; the defaults are those of ``launch``. ``on_outlook`` sees what is about to be done."""

    retry_until_up: bool = False
    idle_minutes: int | None = None
    wait_for: WaitFor | None = None
    dryrun: bool = False
    down: bool = False
    stream_logs: bool = True
    target: OptimizeTarget = OptimizeTarget.COST
    detach_setup: bool = False
    detach_run: bool = False
    no_setup: bool = False
    clone_disk_from: str | None = None
    fast: bool = False
    race: int = 1
    retry_for_s: float | None = None
    risk: Risk | None = None
    on_outlook: Callable[[Outlook], None] = _show_nothing

    @property
    def patience(self) -> Patience:
        """How long to wait for capacity, counted from now."""
        return Patience.of(retry_until_up=self.retry_until_up, retry_for_s=self.retry_for_s)


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """A submitted job, and how it stood when the launcher last looked."""

    job_id: int
    status: JobStatus
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a launch or an exec came to; both are ``None`` where nothing was done."""

    job: JobOutcome | None = None
    handle: ClusterHandle | None = None

    @property
    def pair(self) -> tuple[int | None, ClusterHandle | None]:
        """``(job_id, handle)``, as the public calls return it."""
        return (self.job.job_id if self.job else None), self.handle


def launch_task(task: Task, cluster_name: str | None, options: LaunchOptions) -> Outcome:
    """Run the stages of a launch. What was done stays recorded whatever happens on the way."""
    _refuse_what_no_infra_has(task)
    if options.idle_minutes is not None:
        check_minutes(options.idle_minutes)
    if not 1 <= options.race <= MOST_RACERS:
        raise UserError(f"race: {options.race} places at once; give 1 to {MOST_RACERS}")
    name = cluster_name if cluster_name is not None else new_cluster_name()
    check_cluster_name(name)
    store = open_store()
    if options.dryrun:
        return _dry_launch(store, task, name, options)
    with Losers() as losers:
        with store.lock(name, FOREVER), _saying_what_is_left(store, name):
            order = Order(name, task, options.target, options.risk, options.race, losers)
            was_up, record, resources = _provision(store, order, options)
            _log.info("Cluster %s is UP", name)
            stamp = run_timestamp()
            _sync(task, record, file_mounts=True)
            if not options.detach_setup and not options.no_setup and not (options.fast and was_up):
                _setup(task, record, stamp)
            record = _pre_exec(store, resources, record, options)
            with_setup = options.detach_setup and not options.no_setup
            job_id = _submit(task, resources, record, stamp, with_setup=with_setup)
        down = options.down and options.idle_minutes is None
        follow, show = not options.detach_run, options.stream_logs
        return _finish(store, record, job_id, follow=follow, show=show, down=down)


def _refuse_what_no_infra_has(task: Task) -> None:
    """Raise ``NotSupportedError`` for what would be missing from the nodes, before anything is made."""
    copied = [target for target, source in (task.file_mounts or {}).items() if is_uri(source)]
    if task.storage_mounts or copied:
        where = ", ".join([*task.storage_mounts, *copied])
        raise NotSupportedError(
            f"file_mounts: {where}: no infra that is enabled here can mount or copy a bucket; "
            "fetch it in setup, or name a local path"
        )
    if task.volumes:
        where = ", ".join(task.volumes)
        raise NotSupportedError(f"volumes: {where}: no infra that is enabled here has volumes")
    if task.service is not None:
        _log.info("The service section is left aside: a launch runs the task once, as a job")


@contextmanager
def _saying_what_is_left(store: Store, name: str) -> Iterator[None]:
    """When a launch does not come to its end, tell the user what it left and how to go on."""
    before = store.get(name)
    try:
        yield
    except (SkyError, KeyboardInterrupt):
        left = store.get(name)
        if left is not None and left != before:
            status = left.status.name
            _log.info("Cluster %s is %s; launch again to go on, or: sky down %s", name, status, name)
        raise


def exec_task(
    task: Task,
    cluster_name: str,
    *,
    dryrun: bool = False,
    down: bool = False,
    stream_logs: bool = True,
    detach_run: bool = False,
) -> Outcome:
    """Run the stages of an exec."""
    store = open_store()
    record = up(store, cluster_name, "exec")
    resources = matched(task, record)
    if dryrun:
        _log.info("Would run on cluster %s:\n%s", cluster_name, task.run or "nothing")
        return Outcome(handle=handle_of(record))
    _sync(task, record, file_mounts=False)
    if down:
        with store.lock(cluster_name):
            record = set_autostop(store, existing(store, cluster_name), Autostop(GUARD_MINUTES, down=True))
    _note_use(store, cluster_name)
    job_id = _submit(task, resources, record, run_timestamp())
    return _finish(store, record, job_id, follow=not detach_run, show=stream_logs, down=down)


def _note_use(store: Store, name: str) -> None:
    """Record this command as the cluster's last, unless another one is about to record itself."""
    with suppress(ClusterBusy, StaleRecord), store.lock(name, timeout_s=0):
        store.update(existing(store, name), last_use=command_line())


def _dry_launch(store: Store, task: Task, name: str, options: LaunchOptions) -> Outcome:
    record = store.get(name)
    if record is not None:
        check_owner(record)
        _refuse_clone_to(name, options)
        matched(task, record)
        _log.info("Would run on the existing cluster %s (%s)", name, record.status.name)
        return Outcome(handle=handle_of(record))
    if options.clone_disk_from is not None:
        task = confined(task, stopped_source(store, options.clone_disk_from))
    search = Search(store, task, options.target, options.risk)
    options.on_outlook(search.outlook(name, search.best(options.race)))
    return Outcome()


def _provision(store: Store, order: Order, options: LaunchOptions) -> tuple[bool, ClusterRecord, Resources]:
    """Return whether the cluster was up, its record, and the one of the task's resources that it answers."""
    name, task = order.name, order.task
    remove_aside(store, name)
    record = store.get(name)
    if record is not None:
        check_owner(record)
        record = apply(store, record, decide(record, view_of(record), store.now()))
    if record is not None and record.status is ClusterStatus.INIT and not record.ever_up:
        _log.info("The first launch of cluster %s did not complete; starting afresh", name)
        tear_down(store, record)
        record = None
    if record is None:
        with cloned_disk(store, order, options.clone_disk_from) as on_disk:
            order = replace(order, task=on_disk)
            record, resources = launch_new(store, order, options.patience, options.on_outlook)
        return False, record, resources
    _refuse_clone_to(name, options)
    resources = matched(task, record)
    was_up = record.status is ClusterStatus.UP
    if not was_up:
        record = restart(store, record, options.patience, task.docker_login_config)
    return was_up, store.update(record, launched_at=store.now(), last_use=command_line()), resources


def _refuse_clone_to(name: str, options: LaunchOptions) -> None:
    if options.clone_disk_from is not None:
        raise NotSupportedError(
            f"clone_disk_from: cluster {name} exists, and has its disk; choose another name, or run: "
            f"sky down {name}"
        )


def _sync(task: Task, record: ClusterRecord, *, file_mounts: bool) -> None:
    with connected(record) as cluster:
        if task.workdir:
            lifecycle.sync_workdir(cluster.executor, cluster.handle, Path(task.workdir))
        if file_mounts and task.file_mounts:
            lifecycle.sync_file_mounts(cluster.executor, cluster.handle, task.file_mounts)


def _setup(task: Task, record: ClusterRecord, stamp: str) -> None:
    if not task.setup:
        return
    _log.info("Running setup on cluster %s", record.name)
    with connected(record) as cluster:
        node_setup.run_setup(
            cluster.executor,
            cluster.handle,
            task.setup,
            env=environment(task, record),
            run_timestamp=stamp,
            on_output=_show_setup,
        )


def _show_setup(chunk: bytes) -> None:
    """Show setup's output on stderr: stdout is for the job's log."""
    sys.stderr.write(chunk.decode("utf-8", "replace"))
    sys.stderr.flush()


def _pre_exec(
    store: Store, resources: Resources, record: ClusterRecord, options: LaunchOptions
) -> ClusterRecord:
    """Set autostop as the flags say, else as the task's resources do.

    No minutes become ``GUARD_MINUTES``: the cluster is idle until the job is queued, and must not end before.
    """
    asked = resources.autostop
    if options.idle_minutes is not None:
        minutes, down = options.idle_minutes, options.down
    elif options.down:
        minutes, down = GUARD_MINUTES, True
    elif asked is not None:
        minutes, down = asked.idle_minutes, asked.down
    else:
        return record
    wait_for = options.wait_for or (asked.wait_for if asked is not None else WaitFor.JOBS)
    return set_autostop(store, record, Autostop(minutes or GUARD_MINUTES, down, wait_for))


def _submit(
    task: Task, resources: Resources, record: ClusterRecord, stamp: str, *, with_setup: bool = False
) -> int | None:
    if task.run is None and not (with_setup and task.setup):
        return None
    with connected(record) as cluster:
        addresses = lifecycle.node_addresses(cluster.executor, cluster.handle)
        spec = job_spec(task, resources, record, addresses, stamp=stamp, with_setup=with_setup)
        job_id = cluster.queue.submit(spec)
    _log.info("Job %d on cluster %s", job_id, record.name)
    return job_id


def _finish(
    store: Store, record: ClusterRecord, job_id: int | None, *, follow: bool, show: bool, down: bool
) -> Outcome:
    """Follow the job to its end; then tear the cluster down if asked to and nothing else runs there."""
    job = None
    if job_id is not None:
        job = JobOutcome(job_id, JobStatus.PENDING)
        if follow:
            with connected(record) as cluster:
                job = _outcome(stream(cluster, job_id, show=show))
            if not down:
                _say_how_it_ended(record.name, job)
    if down and (job is None or job.status.is_terminal()):
        _down_when_idle(store, record)
    return Outcome(job, handle_of(record))


def _outcome(job: JobRecord) -> JobOutcome:
    return JobOutcome(job.job_id, JobStatus(job.state.value), job.exit_code)


def _say_how_it_ended(name: str, job: JobOutcome) -> None:
    code = "" if job.exit_code is None else f" (exit code {job.exit_code})"
    _log.info(
        "Job %d %s%s. The cluster is still up: sky exec %s CMD, sky down %s",
        job.job_id,
        job.status.name,
        code,
        name,
        name,
    )


def _down_when_idle(store: Store, record: ClusterRecord) -> None:
    with store.lock(record.name, FOREVER):
        current = store.get(record.name)
        if current is None or current.cluster_id != record.cluster_id:
            return
        with connected(current) as cluster:
            busy = any(not job.state.terminal for job in cluster.queue.jobs())
        if busy:
            _log.info("Cluster %s has other jobs; it goes down when they are over", record.name)
            return
        tear_down(store, current)
        _log.info("Cluster %s is down", record.name)
