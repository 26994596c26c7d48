"""Runs stand beside each other, and nothing is left of one whose owner is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hosts.command import run
from tests.hosts.hosts import Hosts
from tests.hosts.process import Process
from tests.hosts.record import Record, runs

pytestmark = pytest.mark.needs("time")

ROOT = Path(__file__).parents[2]
_OWNER = """
import sys
from tests.hosts.hosts import Hosts

made = Hosts.create()
made.up(2)
print(made.folder, flush=True)
sys.stdin.read()
"""


@pytest.mark.needs("namespaces")
def test_two_runs_do_not_meet(home: Path) -> None:
    with Hosts.create() as one, Hosts.create() as two:
        (first,), (second,) = one.up(1), two.up(1)
        assert first.ip != second.ip
        assert first.ssh("true").returncode == second.ssh("true").returncode == 0
        assert one.bridge is not None
        assert two.bridge is not None
        assert not one.bridge.network.overlaps(two.bridge.network)
        one.up(1)
        assert [host.name for host in one.hosts] == ["h1", "h2"]
    assert one.folder not in runs()
    assert _left(one.bridge.name, one.folder) == _left(two.bridge.name, two.folder) == ""


@pytest.mark.needs("namespaces")
def test_a_run_ends_with_its_owner_however_that_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        hosts = Hosts(folder)
        inside = [process for host in hosts.hosts for process in host.processes()]
        watchdog = Process.noted(folder / "watchdog")
        assert len(inside) >= 4
        assert watchdog is not None
        assert hosts.bridge is not None
        owner.kill()
        assert watchdog.wait(60)
    assert [process for process in inside if process.alive] == []
    assert not folder.exists()
    assert _left(hosts.bridge.name, folder) == ""


@pytest.mark.needs("namespaces")
def test_a_bridge_of_another_run_is_left_alone() -> None:
    with Hosts.create() as other:
        other.up(1)
        record = json.loads((other.folder / "run.json").read_text())
        mistaken = Hosts.create(kind="accounts")
        Record(**{**record, "mac": "02:00:00:00:00:00"}).write(mistaken.folder)
        Hosts(mistaken.folder).down()
        assert other.hosts[0].ssh("true", "-o", "ConnectTimeout=5").returncode == 0


def test_a_reused_process_number_is_not_the_process() -> None:
    me = Process.of(os.getpid())
    assert me is not None
    assert Process.parse(str(me)) == me
    assert me.alive
    later = Process(me.pid, me.started + 1)
    assert not later.alive
    later.send()
    assert later.wait(0)


def _left(bridge: str, folder: Path) -> str:
    """What there still is of a run: links, network namespaces, mounts, control groups."""
    links = run("ip", "-o", "link").stdout.splitlines()
    spaces = run("ip", "netns", "list").stdout.splitlines()
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/{bridge}-h*")]
    named = [line for line in (*links, *spaces) if f"{bridge}h" in line or f"{bridge}:" in line]
    named += [line for line in spaces if line.startswith(f"{bridge}-")]
    return "\n".join([*named, *(line for line in mounts if f"{folder}/" in line), *groups])
