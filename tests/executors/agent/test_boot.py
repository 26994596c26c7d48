"""The agent's start with its node: what a container's first process runs, and when it does nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from executors.agent import boot as agent_boot
from executors.agent import processes
from executors.agent.layout import Config, Layout
from executors.api import Autostop
from executors.container.contents import INIT
from executors.job import JobState
from tests.executors.conftest import Node, spec, wait_until

if TYPE_CHECKING:
    import pytest

ELSEWHERE = "192.0.2.1"
"""An address for documentation, which no host has."""


@contextmanager
def container(node: Node) -> Iterator[None]:
    """Run what a container's first process does, in the node's home."""
    sh = shutil.which("sh")
    assert sh is not None
    environment = {**os.environ, "HOME": str(node.home)}
    with subprocess.Popen([sh, "-c", INIT], env=environment, start_new_session=True) as init:
        try:
            yield
        finally:
            init.send_signal(signal.SIGTERM)
            init.wait()
            os.killpg(init.pid, signal.SIGKILL)


def boot(node: Node) -> None:
    """Run the agent's script to its end."""
    environment = {**os.environ, "HOME": str(node.home)}
    subprocess.run(["sh", str(node.state / "boot")], env=environment, check=True, timeout=60)


def daemon_runs(node: Node) -> bool:
    return processes.started(node.daemon_pid()) is not None


def test_the_agent_starts_with_its_container_and_goes_on(node: Node) -> None:
    node.queue.set_autostop(Autostop(30, down=True))
    running = node.queue.submit(spec("echo up; sleep 600"))
    assert next(iter(node.queue.tail(running))) == b"up\n"
    os.kill(node.queue.jobs([running])[0].pid or 0, signal.SIGKILL)
    old = node.kill_daemon(and_spawner=True)
    with container(node):
        wait_until(lambda: node.daemon_pid() != old and daemon_runs(node))
        wait_until(lambda: node.queue.jobs([running])[0].state is JobState.FAILED_DRIVER)
    assert node.queue.autostop() == Autostop(30, down=True)
    environment = Path(f"/proc/{node.daemon_pid()}/environ").read_bytes().split(b"\0")
    assert json.loads((node.state / "config.json").read_text())["marker"].encode() in environment


def test_a_node_that_was_stopped_waits_for_who_starts_it(node: Node) -> None:
    node.queue.set_autostop(Autostop(30, down=False))
    node.queue.stop_agent()
    boot(node)
    assert not daemon_runs(node)
    node.queue.ensure_agent()
    assert node.queue.autostop() is None


def test_on_another_node_with_the_same_disk_nothing_starts(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_boot, "_ADDRESS_TIMEOUT_S", 0.0)
    layout = Layout(node.home)
    assert agent_boot.is_due(layout, Config.read(layout))
    node.queue.ensure_agent({"addresses": ["127.0.0.1", ELSEWHERE]})
    assert agent_boot.is_due(layout, Config.read(layout))
    node.queue.ensure_agent({"addresses": [ELSEWHERE]})
    assert not agent_boot.is_due(layout, Config.read(layout))
