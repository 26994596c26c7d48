"""A pool of real hosts, a laptop that uses it, and what is looked at after a fault."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import sky
from executors.ssh import claims
from executors.ssh.host import MARKER
from sky import core
from sky.control.state import open_store
from tests.executors.conftest import wait_until
from tests.executors.ssh.lab import Lab, LabHost
from tests.hosts.machine import Machine
from tests.hosts.process import Process

INFRA = "ssh/lab"


class Site:
    """A pool of hosts, all alike, that is up."""

    def __init__(self, lab: Lab, count: int) -> None:
        self.lab = lab
        self.hosts = lab.take(count)
        self.bring_up()

    def bring_up(self) -> None:
        """Bring the pool up in whichever ``SKY_HOME`` is set."""
        rows = self.lab.up(cpus=2, memory=4).rows
        assert {row.state for row in rows} <= {"free", "held"}, rows

    def launch(
        self, run: str | None = None, name: str = "c", nodes: int = 1, agent: Mapping[str, Any] | None = None
    ) -> LabHost:
        """Launch a cluster and return its head; ``agent`` is laid over the settings of its agent."""
        core.launch(task(run, nodes), name, detach_run=True, stream_logs=False)
        head = self.head(name)
        agent_settings(head, **(agent or {}))
        return head

    def nodes(self, name: str = "c") -> list[LabHost]:
        """Return the cluster's hosts, head first."""
        record = open_store().get(name)
        assert record is not None
        assert record.handle is not None
        ips = [node["host"] for node in json.loads(record.handle["nodes"])]
        return [next(each for each in self.hosts if each.host.ip == ip) for ip in ips]

    def head(self, name: str = "c") -> LabHost:
        return self.nodes(name)[0]

    def held(self) -> set[str]:
        """Return the ids of the clusters that hold a host, or are put away on one."""
        files = [
            file
            for each in self.hosts
            for file in (
                each.home / ".sky_reservation",
                *(each.home / ".sky_stopped").glob("*/reservation"),
            )
            if file.exists()
        ]
        return {json.loads(file.read_text())["cluster_id"] for file in files}

    def assert_nothing_left(self) -> None:
        """No record, no claim, no reservation, no file, and no process of any cluster."""
        assert core.status(refresh=True) == []
        assert claims.cluster_ids() == []
        assert [each.left() for each in self.hosts] == [[] for _ in self.hosts]
        assert [marked(each) for each in self.hosts] == [[] for _ in self.hosts]


MakeSite = Callable[[int], Site]


def agent_settings(head: LabHost, **settings: Any) -> None:
    """Lay settings over those of the head's agent; ``sky start`` writes some of them anew."""
    config = head.home / ".sky_agent" / "config.json"
    changed = config.with_suffix(".new")
    changed.write_text(json.dumps({**json.loads(config.read_text()), **settings}))
    changed.chmod(0o644)
    changed.replace(config)


def task(run: str | None = None, nodes: int = 1) -> sky.Task:
    """Return a task for the pool."""
    made = sky.Task(run=run, num_nodes=nodes)
    made.set_resources(sky.Resources(infra=INFRA))
    return made


def submit(run: str, name: str = "c", nodes: int = 1) -> int:
    """Queue a job that takes whole hosts, so that the next one waits; returns its id."""
    made = sky.Task(run=run, num_nodes=nodes)
    made.set_resources(sky.Resources(cpus=2))
    job_id, _ = core.exec(made, name, detach_run=True, stream_logs=False)
    assert job_id is not None
    return job_id


def jobs(name: str = "c") -> dict[int, sky.JobStatus]:
    """Return the state of every job."""
    return {job["job_id"]: job["status"] for job in core.queue(name)}


def over(*wanted: int) -> bool:
    """Return whether these jobs are over."""
    found = jobs()
    return all(found[job].is_terminal() for job in wanted)


def status(name: str = "c") -> tuple[str, str]:
    """Ask the provider, and return the cluster's status and the reason for it."""
    (found,) = core.status(name, refresh=True)
    return found["status"].name, found["status_reason"]


def machine(host: LabHost) -> Machine:
    """Return the host as one that can be harmed."""
    assert isinstance(host.host, Machine)
    return host.host


def marked(host: LabHost) -> list[int]:
    """Return the processes on the host that belong to some cluster."""
    found = []
    for process in host.host.processes():
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        except OSError:
            continue
        if f"{MARKER}=".encode() in environment:
            found.append(process.pid)
    return found


def daemon_of(host: LabHost) -> Process:
    """Return the agent's daemon, by this machine's number."""
    found = [each for each in _agents(host) if _holds_lock(host, each)]
    assert len(found) == 1, found
    return found[0]


def children_of(process: Process) -> list[Process]:
    """Return the processes that it started."""
    pids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [each for each in (Process.of(int(pid)) for pid in pids) if each is not None]


def kill(process: Process) -> None:
    """Kill a process and wait until it is gone."""
    process.send(signal.SIGKILL)
    wait_until(lambda: not process.alive)


def _agents(host: LabHost) -> list[Process]:
    return [each for each in host.host.processes() if any("agent" in word for word in each.argv)]


def _holds_lock(host: LabHost, process: Process) -> bool:
    inside = Path(f"/proc/{process.pid}/status").read_text()
    own = next(line.split()[-1] for line in inside.splitlines() if line.startswith("NSpid:"))
    return (host.home / ".sky_agent" / "agent.lock").read_text().strip() == own


@pytest.fixture
def site(lab: Lab) -> MakeSite:
    """Make a pool of so many hosts of this test alone."""
    return lambda count: Site(lab, count)
