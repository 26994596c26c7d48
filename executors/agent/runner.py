"""The process that watches one job: gets it, runs its setup and its script, and records the end.

It is its own session and nobody's child, so neither the daemon's end nor an upgrade touches it. On one node
it runs the job itself; on several it has Slurm run it (``gang``).
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from typing import BinaryIO, Dict, NamedTuple, Optional

from . import confinement, environment, handover, queue, states
from .allocation import nodes_of
from .capacity import Capacity
from .control_group import ControlGroup
from .environment import Seat
from .execution import Execution, Script, StopSignal, base_environment
from .full_disk import LogFile, when_there_is_room
from .gang import LOST, Gang, name_of
from .layout import Config, Layout
from .poke import poke
from .processes import Identity, end, identity, session_members
from .slurm import REFUSALS
from .store import connect, forget_deleted

_log = logging.getLogger("sky.agent")

TOO_LATE = 124
"""The exit code of a job that took longer than its ``max_duration_s``, as of ``timeout``."""


def main(job_id: int) -> None:
    """Get the job and run it to its end; do nothing when it is not to be had."""
    stop = StopSignal()
    layout = Layout.here()
    config = Config.read(layout)
    db = connect(layout.database)
    me = identity()
    if config.own_slurm:
        job = handover.take(db, job_id, me)
    else:
        job = queue.claim(db, job_id, capacity_of(config), me)
    poke()
    if job is None:
        return
    try:
        _Run(db, layout, config, stop, job, me).run()
    except Exception as error:
        _log.exception("the runner of job %d failed", job_id)
        _give_up(db, layout, job, f"this job could not be run: {error}")
    finally:
        forget_deleted(db)
        poke()


def _give_up(db: sqlite3.Connection, layout: Layout, job: queue.Claimed, message: str) -> None:
    """Say in the job's log why it could not be run, and record its end, once there is room for both."""

    def say() -> None:
        folder = layout.log_dir(job.run_timestamp)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / "run.log").open("a") as log:
            log.write(f"sky: {message}\n")

    def end_it() -> None:
        state = queue.state_of(db, job.job_id)
        if state in (states.PENDING, *states.STARTED):
            queue.move(db, job.job_id, str(state), states.FAILED_DRIVER)

    with contextlib.suppress(OSError):
        when_there_is_room(say)
    when_there_is_room(end_it)


def capacity_of(config: Config) -> Capacity:
    """Return what the node has."""
    return Capacity(config.cpus_milli, config.memory_mib, config.accelerator, config.accelerators)


class _End(NamedTuple):
    """How an attempt ended; ``refused`` where Slurm did not start it."""

    code: int
    message: str = ""
    refused: bool = False


class _Run:
    """One job that is this runner's."""

    def __init__(
        self,
        db: sqlite3.Connection,
        layout: Layout,
        config: Config,
        stop: StopSignal,
        job: queue.Claimed,
        me: Identity,
    ) -> None:
        self._db, self._layout, self._config, self._stop, self._job = db, layout, config, stop, job
        self._me = me
        self._logs = layout.log_dir(job.run_timestamp)
        self._gang = config.own_slurm or int(job.spec.get("num_nodes", 1)) > 1
        self._attempt = 1
        self._confinement = confinement.of_this_process(layout)
        self._limits = confinement.limits_of(job.spec, job.demand, capacity_of(config))
        if config.own_slurm:
            self._state = states.PENDING
        else:
            self._state = states.SETTING_UP if job.spec.get("setup") else states.RUNNING

    def run(self) -> None:
        self._logs.joinpath("tasks").mkdir(mode=0o700, parents=True, exist_ok=True)
        self._layout.workdir.mkdir(parents=True, exist_ok=True)
        with self._open("run.log") as merged:
            ended = self._try(merged)
            while self._again(ended, merged):
                ended = self._try(merged)
            self._finish(ended, merged)

    def _try(self, merged: BinaryIO) -> _End:
        ended = self._on_several(merged) if self._gang else self._on_one(merged)
        self._stop.limit(0)
        if not self._stop.late:
            return ended
        limit_s = self._job.spec["max_duration_s"]
        return _End(TOO_LATE, f"the job took longer than its max_duration, {limit_s} s, and was ended")

    def _again(self, ended: _End, merged: BinaryIO) -> bool:
        """Return whether the job is to be tried again, and say so in its log."""
        spec = self._job.spec
        codes, attempts = spec.get("retry_codes") or (), 1 + int(spec.get("retries", 0))
        if ended.code == 0 or ended.refused or self._attempt >= attempts or self._cancelled():
            return False
        if self._stop.asked and not self._stop.late:
            return False
        if ended.code not in codes and (codes or ended.code == TOO_LATE):
            return False
        self._say(merged, ended.message)
        self._say(merged, f"attempt {self._attempt} of {attempts} failed with exit code {ended.code}; again")
        self._stop.asked = self._stop.late = False
        self._attempt += 1
        return True

    def _on_one(self, merged: BinaryIO) -> _End:
        """Run setup and the script here, in a control group where the node has them."""
        self._limit()
        with self._confinement.of_job(self._job.job_id, self._limits) as group:
            if group is None:
                self._say(merged, self._confinement.complaint(self._limits))
            code = self._run_scripts(group, merged)
            return _End(code, confinement.ran_out(group, self._limits))

    def _run_scripts(self, group: Optional[ControlGroup], merged: BinaryIO) -> int:
        spec, seat = self._job.spec, Seat(self._config.addresses[:1], 0, self._devices())
        setup = spec.get("setup", "")
        if setup:
            with self._open("tasks/setup.log") as own:
                code = self._execute("setup", setup, environment.of_setup(spec, seat), group, merged, own)
            if code or self._cancelled() or not self._move(states.RUNNING):
                return code
        with self._open("tasks/run.log") as own:
            variables = environment.of_run(self._job, self._config, seat)
            return self._execute("run", spec["scripts"][0], variables, group, merged, own)

    def _devices(self) -> "Optional[list[int]]":
        return sorted(self._job.devices) if self._config.accelerators else None

    def _on_several(self, merged: BinaryIO) -> _End:
        """Have Slurm run the job on its nodes; whether they can confine it is judged by this one."""
        if self._confinement.tree is None:
            self._say(merged, self._confinement.complaint(self._limits))
        nodes = nodes_of(self._layout, self._config, sorted(self._job.devices))
        gang = Gang(nodes, self._config, self._job, self._limits, self._stop, self._on_state)
        ended = gang.run(self._logs / "tasks", merged)
        if ended.started or self._state != states.PENDING:
            return _End(ended.code if ended.started else LOST, ended.message)
        return _End(0, ended.message, refused=True)

    def _on_state(self, state: str) -> bool:
        if self._state == states.PENDING or state != states.RUNNING:
            self._limit()
        return self._move(state)

    def _limit(self) -> None:
        self._stop.limit(float(self._job.spec.get("max_duration_s") or 0))

    def _move(self, target: str) -> bool:
        """Move the job to ``target``, where that is a step forward; return whether it could be."""
        if target not in states.TRANSITIONS[self._state]:
            return True
        if self._state == states.PENDING:
            moved = handover.begin(self._db, self._job.job_id, target)
        else:
            moved = queue.move(self._db, self._job.job_id, self._state, target)
        self._state = target if moved else self._state
        return moved

    def _open(self, name: str) -> BinaryIO:
        return LogFile(self._logs / name)

    def _say(self, merged: BinaryIO, message: str) -> None:
        if message:
            merged.write(f"sky: {message}\n".encode())

    def _execute(
        self,
        what: str,
        text: str,
        variables: Dict[str, str],
        group: Optional[ControlGroup],
        *sinks: BinaryIO,
    ) -> int:
        if not text.strip() or self._stop.asked:
            return 0
        env = {**base_environment(self._layout), **variables}
        with Script(self._layout, f"{self._job.job_id}-{what}.sh", text) as argv:
            running = Execution(argv, env, self._layout.workdir, sinks, group)
            return running.wait(self._stop, self._config.cancel_grace_s)

    def _cancelled(self) -> bool:
        return self._stop.asked and queue.cancel_asked(self._db, self._job.job_id)

    def _finish(self, ended: _End, merged: BinaryIO) -> None:
        job_id = self._job.job_id
        if self._state == states.PENDING:
            self._finish_unstarted(ended, merged)
            return
        target = self._target(ended.code)
        if target not in (states.CANCELLED, states.FAILED_DRIVER):
            self._say(merged, ended.message)
        when_there_is_room(lambda: queue.move(self._db, job_id, self._state, target, ended.code))

    def _finish_unstarted(self, ended: _End, merged: BinaryIO) -> None:
        """Slurm did not start the job: for good when the job is at fault, else it waits again."""
        if not self._stop.asked:
            if any(word in ended.message for word in REFUSALS):
                self._say(merged, f"Slurm does not start this job: {ended.message}")
                queue.move(self._db, self._job.job_id, states.PENDING, states.FAILED_DRIVER)
                return
            _log.warning("job %d waits for Slurm again: %s", self._job.job_id, ended.message)
            time.sleep(self._config.poll_s)
        handover.give_back(self._db, self._job.job_id, self._me)

    def _target(self, code: int) -> str:
        if self._cancelled():
            return states.CANCELLED
        if self._stop.asked and not self._stop.late:
            return states.FAILED_DRIVER
        if self._state == states.SETTING_UP:
            return states.FAILED_SETUP
        return states.SUCCEEDED if code == 0 else states.FAILED


def recover(db: sqlite3.Connection, layout: Layout, job: queue.Watched, grace_s: float) -> None:
    """Record the end of a job whose runner is dead, after ending what the runner left.

    A job that only waited for Slurm waits again.
    """
    end(lambda: session_members(job.runner), grace_s)
    confinement.read(layout).sweep(grace_s)
    config = Config.read(layout)
    if len(config.addresses) > 1:
        nodes_of(layout, config).cancel(name_of(job.job_id))
    if job.state == states.PENDING:
        handover.give_back(db, job.job_id, job.runner)
    target = states.CANCELLED if job.cancel_asked else states.FAILED_DRIVER
    for source in states.STARTED:
        queue.move(db, job.job_id, source, target)
    for what in ("setup", "run"):
        with contextlib.suppress(FileNotFoundError):
            (layout.scripts / f"{job.job_id}-{what}.sh").unlink()
