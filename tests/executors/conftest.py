"""A cluster on this machine for tests of the agent, and the ways to hurt it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from executors import lifecycle, local
from executors.agent import processes
from executors.agent_queue import AgentQueue
from executors.api import Executor, Handle, NodeRequest
from executors.job import Demand, JobSpec
from executors.local.bundle import bundle


@dataclass
class Node:
    """One cluster and its agent."""

    executor: Executor
    handle: Handle

    @property
    def home(self) -> Path:
        return Path(self.handle.data["folder"]) / "home"

    @property
    def state(self) -> Path:
        return self.home / ".sky_agent"

    @property
    def queue(self) -> AgentQueue:
        made = self.executor.queue(self.handle, self.executor.connect(self.handle))
        assert isinstance(made, AgentQueue)
        return made

    def daemon_pid(self) -> int:
        return int((self.state / "agent.lock").read_text())

    def kill_daemon(self, *, and_spawner: bool) -> int:
        """Kill the daemon (and what would revive it) with SIGKILL; return its pid."""
        pid = self.daemon_pid()
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        spawners = [child for child in children if processes.started(child)]
        for victim in [*(spawners[:1] if and_spawner else []), pid]:
            os.kill(victim, signal.SIGKILL)
        wait_until(lambda: processes.started(pid) is None)
        return pid


def wait_until(done: Callable[[], object], limit_s: float = 20.0) -> None:
    """Wait until ``done()`` is true; fail after ``limit_s``."""
    deadline = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def spec(run: str, **fields: object) -> JobSpec:
    values = {"demand": Demand(cpus_milli=100), "run_timestamp": "sky-t", **fields}
    return JobSpec("job", (run,), **values)  # type: ignore[arg-type]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setenv("SKY_HOME", str(tmp_path / "sky"))
    executor = bundle(tmp_path / "clusters")
    offer = replace(local.offer(), vcpus_milli=2_000, memory_mib=4_096)
    made = Node(executor, lifecycle.bring_up(executor, NodeRequest("c-1", "c", offer)))
    made.queue.ensure_agent({"poll_s": 0.2, "cancel_grace_s": 0.3})
    yield made
    lifecycle.tear_down(executor, made.handle)
