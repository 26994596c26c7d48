"""A small process that forks runners on behalf of the daemon, and revives the daemon when it is killed.

It never opens the database, so what it forks starts clean (a SQLite connection must not cross a fork), and
a fork of it costs a millisecond where a new interpreter costs fifty.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path

from . import runner
from .launch import agent_argv

_log = logging.getLogger("sky.agent")
_GO, _QUIT, _RUN = b"go", b"quit", b"run"
_REVIVE_AFTER_S, _CAREFUL_AFTER_S = 0.2, 1.0
_SHORT_LIFE_S = 1.0


class Spawner:
    """The daemon's end: it orders runners by job id."""

    def __init__(self, orders: int, pid: int) -> None:
        self._orders = orders
        self.pid = pid

    def confirm(self) -> None:
        """Say that this daemon is the one; from now on its sudden end is a reason to start another."""
        self._order(_GO)

    def run(self, job_id: int) -> None:
        """Fork a runner for the job; it claims the job or ends."""
        self._order(_RUN, str(job_id).encode())

    def quit(self) -> None:
        """End the spawner; runners go on."""
        try:
            self._order(_QUIT)
        except BrokenPipeError:
            return
        os.waitpid(self.pid, 0)

    def _order(self, *words: bytes) -> None:
        os.write(self._orders, b" ".join(words) + b"\n")


def fork_spawner() -> Spawner:
    """Fork the spawner. Call it before the process takes a lock or opens the database."""
    orders_read, orders_write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(orders_read)
        return Spawner(orders_write, pid)
    os.close(orders_write)
    try:
        _serve(orders_read)
    except Exception:
        _log.exception("the spawner failed")
    finally:
        os._exit(0)


def _serve(orders: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended runners leave no zombies, whatever process 1 does
    confirmed = False
    began = time.monotonic()
    with os.fdopen(orders, "rb") as lines:
        for line in lines:
            word, _, argument = line.strip().partition(b" ")
            if word == _QUIT:
                return
            if word == _GO:
                confirmed = True
            elif word == _RUN:
                _fork_runner(int(argument), orders)
    if confirmed and Path("agent.lock").exists():
        lived_s = time.monotonic() - began
        time.sleep(_REVIVE_AFTER_S if lived_s > _SHORT_LIFE_S else _CAREFUL_AFTER_S)
        os.execv(sys.executable, agent_argv("daemon"))  # noqa: S606


def _fork_runner(job_id: int, orders: int) -> None:
    """Fork a runner into a session of its own, where neither the spawner's end nor a terminal reaches it."""
    if os.fork():
        return
    try:
        os.close(orders)
        os.setsid()
        runner.main(job_id)
    except Exception:
        _log.exception("the runner of job %d failed before it had the job", job_id)
    finally:
        os._exit(0)
