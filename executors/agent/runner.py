"""The process that watches one job: claims it, runs its setup and its script, and records the end.

It is its own session and nobody's child, so neither the daemon's end nor an upgrade touches it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from typing import BinaryIO, Dict

from . import queue, states
from .capacity import Capacity
from .execution import Execution, Script, StopSignal, base_environment
from .layout import Config, Layout
from .poke import poke
from .processes import end, identity, session_members
from .store import connect

_log = logging.getLogger("sky.agent")


def main(job_id: int) -> None:
    """Claim the job and run it to its end; do nothing when it is not to be had."""
    stop = StopSignal()
    layout = Layout.here()
    config = Config.read(layout)
    db = connect(layout.database)
    job = queue.claim(db, job_id, capacity_of(config), identity())
    poke()
    if job is None:
        return
    try:
        _Run(db, layout, config, stop, job).run()
    except Exception as error:
        _log.exception("the runner of job %d failed", job_id)
        with contextlib.suppress(OSError), (layout.log_dir(job.run_timestamp) / "run.log").open("a") as log:
            log.write(f"sky: this job could not be run: {error}\n")
        state = queue.state_of(db, job_id)
        if state in states.STARTED:
            queue.move(db, job_id, str(state), states.FAILED_DRIVER)
    finally:
        poke()


def capacity_of(config: Config) -> Capacity:
    """Return what the node has."""
    return Capacity(config.cpus_milli, config.memory_mib, config.accelerator, config.accelerators)


class _Run:
    """One claimed job."""

    def __init__(
        self, db: sqlite3.Connection, layout: Layout, config: Config, stop: StopSignal, job: queue.Claimed
    ) -> None:
        self._db, self._layout, self._config, self._stop, self._job = db, layout, config, stop, job
        self._logs = layout.log_dir(job.run_timestamp)

    def run(self) -> None:
        self._logs.joinpath("tasks").mkdir(mode=0o700, parents=True, exist_ok=True)
        self._layout.workdir.mkdir(parents=True, exist_ok=True)
        state = states.RUNNING
        with self._open("run.log") as merged:
            code = 0
            setup = self._job.spec.get("setup", "")
            if setup:
                state = states.SETTING_UP
                with self._open("tasks/setup.log") as own:
                    code = self._execute("setup", setup, self._setup_environment(), merged, own)
                if code == 0 and not self._cancelled():
                    queue.move(self._db, self._job.job_id, state, states.RUNNING)
                    state = states.RUNNING
            if state == states.RUNNING:
                with self._open("tasks/run.log") as own:
                    code = self._execute(
                        "run", self._job.spec["scripts"][0], self._run_environment(), merged, own
                    )
        queue.move(self._db, self._job.job_id, state, self._end(state, code), code)

    def _open(self, name: str) -> BinaryIO:
        descriptor = os.open(str(self._logs / name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "wb", buffering=0)

    def _execute(self, what: str, text: str, env: Dict[str, str], *sinks: BinaryIO) -> int:
        if not text.strip() or self._stop.asked:
            return 0
        with Script(self._layout, f"{self._job.job_id}-{what}.sh", text) as argv:
            return Execution(argv, env, self._layout.workdir, sinks).wait(
                self._stop, self._config.cancel_grace_s
            )

    def _cancelled(self) -> bool:
        return self._stop.asked and queue.cancel_asked(self._db, self._job.job_id)

    def _end(self, state: str, code: int) -> str:
        if self._cancelled():
            return states.CANCELLED
        if self._stop.asked:
            return states.FAILED_DRIVER
        if state == states.SETTING_UP:
            return states.FAILED_SETUP
        return states.SUCCEEDED if code == 0 else states.FAILED

    def _setup_environment(self) -> Dict[str, str]:
        nodes = self._config.addresses[: self._job.spec.get("num_nodes", 1)]
        return {
            **base_environment(self._layout),
            **self._job.spec.get("env", {}),
            "SKYPILOT_NUM_NODES": str(len(nodes)),
            **setup_rank(nodes),
        }

    def _run_environment(self) -> Dict[str, str]:
        job = self._job
        nodes = "\n".join(self._config.addresses[: job.spec.get("num_nodes", 1)])
        accelerators = str(-(-job.demand.accelerators_milli // 1000))
        task_id = f"{job.run_timestamp}_{self._config.cluster_name}_{job.job_id}"
        env = {
            **base_environment(self._layout),
            "SKYPILOT_TASK_ID": task_id,
            **job.spec.get("env", {}),
            "SKYPILOT_NODE_RANK": "0",
            "SKYPILOT_NODE_IPS": nodes,
            "SKYPILOT_NUM_NODES": str(job.spec.get("num_nodes", 1)),
            "SKYPILOT_NUM_GPUS_PER_NODE": accelerators,
            "SKYPILOT_INTERNAL_JOB_ID": str(job.job_id),
            "SKY_NODE_RANK": "0",
            "SKY_NODE_IPS": nodes,
            "SKY_NUM_GPUS_PER_NODE": accelerators,
        }
        if self._config.accelerators:
            env["CUDA_VISIBLE_DEVICES"] = ",".join(str(index) for index in sorted(job.devices))
        return env


def setup_rank(addresses: "list[str]", rank: int = 0) -> Dict[str, str]:
    """Return what setup is told of its place among the cluster's nodes."""
    return {"SKYPILOT_SETUP_NODE_IPS": "\n".join(addresses), "SKYPILOT_SETUP_NODE_RANK": str(rank)}


def recover(db: sqlite3.Connection, layout: Layout, job: queue.Started, grace_s: float) -> None:
    """Record the end of a job whose runner is dead, after ending what the runner left."""
    end(lambda: session_members(job.runner), grace_s)
    target = states.CANCELLED if job.cancel_asked else states.FAILED_DRIVER
    for source in states.STARTED:
        queue.move(db, job.job_id, source, target)
    for what in ("setup", "run"):
        with contextlib.suppress(FileNotFoundError):
            (layout.scripts / f"{job.job_id}-{what}.sh").unlink()
