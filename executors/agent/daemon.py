"""The agent's daemon: starts jobs when their turn comes, notices dead runners, and decides on autostop.

It holds no state of its own. Killed at any moment, it is started again and finds everything in the database.
"""

from __future__ import annotations

import fcntl
import logging
import os
import select
import signal
import subprocess
import sys
import time
from typing import Optional

from . import confinement, handover, idle, processes, queue, runner
from .ending import end_started
from .errors import Refused
from .launch import agent_argv
from .layout import Config, Layout
from .poke import QUIT, drain, listen
from .presence import Presence
from .slurm import Slurm
from .slurm_daemons import Daemons
from .spawner import Spawner, fork_spawner
from .store import connect, get_fact, set_fact, transaction

_log = logging.getLogger("sky.agent")
_CLAIM_TIMEOUT_S = 10.0
_LOCK_TIMEOUT_S = 10.0
_RECOVER_GRACE_S = 1.0
_ACTION_TIMEOUT_S = 600.0


def main(on_ready: Optional[int] = None) -> int:
    """Be the node's daemon until told to quit; return at once (1) when there is one already.

    ``on_ready`` is a descriptor that gets one byte when the daemon listens.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a spawner that became a daemon ignored it
    layout = Layout.here()
    os.chdir(str(layout.state))
    confinement.prepare(layout, Config.read(layout))
    spawner = fork_spawner()
    lock = _lock(layout)
    if lock is None:
        spawner.quit()
        return 1
    daemon = Daemon(layout, spawner, lock)
    spawner.confirm()
    if on_ready is not None:
        os.write(on_ready, b"1")
        os.close(on_ready)
    try:
        daemon.run()
    except BrokenPipeError:
        _log.exception("the spawner is gone; starting over")
        start_over()
    return 0


def _lock(layout: Layout) -> Optional[int]:
    """Take the lock of the one daemon; wait a little for one that is on its way out."""
    descriptor = os.open(str(layout.lock), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while not _try_lock(descriptor):
        if time.monotonic() > deadline:
            os.close(descriptor)
            return None
        time.sleep(0.02)
    os.pwrite(descriptor, b"%-20d" % os.getpid(), 0)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Daemon:
    """The loop of the one daemon of a node; made only by the holder of the lock."""

    def __init__(self, layout: Layout, spawner: Spawner, lock: int) -> None:
        self._layout, self._spawner, self._lock = layout, spawner, lock
        self._listener = listen()
        self._config = Config.read(layout)
        self._db = connect(layout.database)
        self._quit = False
        self._presence = Presence()
        self._confinement = confinement.read(layout)
        self._poller = select.poll()
        self._poller.register(self._listener, select.POLLIN)
        self._notice_reboot()

    def run(self) -> None:
        """Work until told to quit, until autostop has acted, or until the home is removed."""
        _log.info("daemon %d started", os.getpid())
        while True:
            if not self._home_is_there():
                break
            self._config = Config.read(self._layout)
            self._keep_slurm()
            self._recover_dead()
            self._start_jobs()
            self._notice_people()
            if self._act_on_autostop():
                return
            if self._told_to_quit(self._timeout_ms()):
                break
        self._spawner.quit()
        self._db.close()
        if not self._home_is_there():
            self._confinement.forget()
        _log.info("daemon %d ended", os.getpid())

    def _notice_reboot(self) -> None:
        now = processes.boot_id()
        with transaction(self._db):
            if get_fact(self._db, "boot") != now:
                set_fact(self._db, "boot", now)
                idle.restart_clocks(self._db)
        holder = os.environ.get("SLURM_JOB_ID", "")
        if self._config.allocation and get_fact(self._db, "holder") != holder:
            idle.resume(self._db)  # the nodes were given anew: a stop of before is over
            set_fact(self._db, "holder", holder)

    def _home_is_there(self) -> bool:
        try:
            return self._layout.lock.stat().st_ino == os.fstat(self._lock).st_ino
        except FileNotFoundError:
            return False

    def _timeout_ms(self) -> int:
        due = idle.due_at(self._db, self._config.seconds_per_idle_minute)
        wait_s = self._config.poll_s if due is None else min(self._config.poll_s, max(0.0, due - time.time()))
        return int(wait_s * 1000) + 1

    def _recover_dead(self) -> None:
        for job in queue.watched(self._db):
            if not processes.alive(job.runner):
                _log.warning("the runner %d of job %d is gone", job.runner.pid, job.job_id)
                runner.recover(self._db, self._layout, job, _RECOVER_GRACE_S)

    def _start_jobs(self) -> None:
        if self._gangs():
            self._hand_over()
            return
        capacity = runner.capacity_of(self._config)
        while True:
            job_id = queue.head(self._db, capacity)
            if job_id is None:
                return
            self._spawner.run(job_id)
            if not self._wait_for_claim(job_id):
                return

    def _gangs(self) -> bool:
        """Return whether Slurm runs the jobs."""
        return self._config.own_slurm

    def _hand_over(self) -> None:
        """Have runners hand the first waiting jobs to Slurm."""
        for job_id in handover.to_hand_over(self._db):
            self._spawner.run(job_id)
            if not self._wait_for_claim(job_id):
                return

    def _wait_for_claim(self, job_id: int) -> bool:
        deadline = time.monotonic() + _CLAIM_TIMEOUT_S
        while not handover.has_runner(self._db, job_id):
            if time.monotonic() > deadline:
                _log.error("no runner claimed job %d within %g s", job_id, _CLAIM_TIMEOUT_S)
                return False
            if self._told_to_quit(50):
                return False
        return True

    def _told_to_quit(self, timeout_ms: int) -> bool:
        """Sleep until poked; remember an order to quit."""
        if not self._quit:
            self._poller.poll(timeout_ms)
            self._quit = QUIT in drain(self._listener)
        return self._quit

    def _notice_people(self) -> None:
        """Let idleness count from now on while there is something else that autostop was told to wait for."""
        setting = idle.get_autostop(self._db)
        if setting is not None and self._presence.seen(setting):
            with transaction(self._db):
                idle.restart_clock(self._db)

    def _act_on_autostop(self) -> bool:
        """Stop or remove this node when it has been idle for long enough; return whether that was done."""
        setting = idle.decide_to_stop(self._db, self._config.seconds_per_idle_minute)
        if setting is None:
            return False
        action = "down" if setting.down else "stop"
        _log.info("autostop after %d minutes: %s", setting.idle_minutes, action)
        argv = self._config.actions.get(action)
        if argv is None:
            _log.error("this node was not told how to %s itself; autostop is cancelled", action)
            idle.resume(self._db)
            return False
        if setting.unconditional:
            end_started(self._db, self._layout)
        self._db.close()
        self._spawner.quit()
        if self._gangs():
            self._act_elsewhere(argv)
        if self._config.marker:
            processes.end(lambda: processes.marked(self._config.marker), self._config.cancel_grace_s)
        self._confinement.forget()
        if _succeeds(argv):
            return True
        db = connect(self._layout.database)
        idle.abort_stop(db)
        db.close()
        time.sleep(self._config.poll_s)
        start_over()
        return True

    def _keep_slurm(self) -> None:
        """Start what is down of Slurm on this node."""
        if self._gangs() and not idle.stopping(self._db):
            try:
                Daemons(self._layout).ensure()
            except Refused:
                _log.exception("Slurm does not run")

    def _act_elsewhere(self, argv: "list[str]") -> None:
        """Have every other node do the same; this one is then the last."""
        slurm = Slurm(self._layout)
        told = slurm.everywhere_else_argv(len(self._config.addresses), argv)
        if not _succeeds(told, slurm.environment()):
            _log.error("the other nodes could not be told; they are left as they are")


def start_over() -> None:
    """Become a new daemon, with a new spawner; the lock is let go and taken again."""
    argv = agent_argv("daemon")
    os.execv(argv[0], argv)  # noqa: S606


def _succeeds(argv: "list[str]", env: "Optional[dict[str, str]]" = None) -> bool:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, env=env, timeout=_ACTION_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        _log.exception("the node could not stop itself")
        return False
    if done.returncode:
        _log.error("the node could not stop itself: %s exited with %d", argv[0], done.returncode)
    return done.returncode == 0
