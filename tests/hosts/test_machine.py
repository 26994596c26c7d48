"""Hosts made of namespaces come to harm as real ones do, seen through real ssh."""

from __future__ import annotations

import subprocess

from tests.hosts.command import environment
from tests.hosts.fixtures import TakeMachines
from tests.hosts.machine import Machine

ALIVE = ("-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2", "-o", "ConnectTimeout=1")


def session(host: Machine, command: str) -> subprocess.Popen[str]:
    """An open ssh session that notices within about three seconds that nobody is there."""
    return subprocess.Popen(
        [*host.ssh_argv(*ALIVE), command],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_crash_says_nothing_and_an_open_session_notices_by_itself(machines: TakeMachines) -> None:
    (host,) = machines(1)
    with session(host, "echo here; sleep 600") as ssh:
        assert ssh.stdout is not None
        assert ssh.stdout.readline() == "here\n"
        host.crash()
        assert not host.on
        _, error = ssh.communicate(timeout=30)
        assert ssh.returncode == 255
        assert "not responding" in error
    late = host.ssh("true", *ALIVE)
    assert late.returncode == 255
    assert "timed out" in late.stderr or "No route" in late.stderr


def test_a_boot_keeps_disk_host_key_and_address(machines: TakeMachines) -> None:
    (host,) = machines(1)
    boot_id = "cat /proc/sys/kernel/random/boot_id"
    before = host.ssh(f"echo kept > note; {boot_id}").stdout
    host.crash()
    assert (host.home() / "note").read_text() == "kept\n"
    host.boot()
    assert host.ssh("cat note").stdout == "kept\n"
    assert host.ssh(boot_id).stdout != before
