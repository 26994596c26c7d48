"""Hosts made of namespaces come to harm as real ones do, seen through real ssh."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from tests.hosts.command import environment
from tests.hosts.fixtures import TakeMachines
from tests.hosts.machine import Machine

# A client that notices within about three seconds that nobody is there.
ALIVE = ("-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2", "-o", "ConnectTimeout=1")
PATIENT = ("-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=20")


class Session:
    """An open ssh session that sends back each line that it is sent."""

    def __init__(self, host: Machine, options: tuple[str, ...] = ALIVE) -> None:
        self._ssh = subprocess.Popen(
            [*host.ssh_argv(*options), "cat"],
            env=environment(),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.say("hello")
        assert self.hear() == "hello"

    def say(self, line: str) -> None:
        assert self._ssh.stdin is not None
        self._ssh.stdin.write(f"{line}\n")
        self._ssh.stdin.flush()

    def hear(self) -> str:
        assert self._ssh.stdout is not None
        return self._ssh.stdout.readline().strip()

    def close(self) -> None:
        """End it, if it has not ended."""
        self._ssh.kill()
        self._ssh.communicate()

    def end(self) -> tuple[int, str]:
        """Wait for its end; returns the exit code and what ssh said."""
        _, said = self._ssh.communicate(timeout=60)
        return self._ssh.returncode, said


Connect = Callable[..., Session]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open sessions, and end them after the test."""
    with ExitStack() as opened:

        def open_one(host: Machine, options: tuple[str, ...] = ALIVE) -> Session:
            return opened.enter_context(closing(Session(host, options)))

        yield open_one


def test_a_crash_says_nothing_and_an_open_session_notices_by_itself(
    machines: TakeMachines, connect: Connect
) -> None:
    (host,) = machines(1)
    session = connect(host)
    host.crash()
    assert not host.on
    code, said = session.end()
    assert code == 255
    assert "not responding" in said
    late = host.ssh("true", *ALIVE)
    assert late.returncode == 255
    assert "timed out" in late.stderr or "No route" in late.stderr


def test_a_kill_closes_what_is_open_and_refuses_what_comes(machines: TakeMachines, connect: Connect) -> None:
    (host,) = machines(1)
    session = connect(host, PATIENT)
    host.kill()
    code, said = session.end()
    assert code == 255
    assert "not responding" not in said
    assert "refused" in host.ssh("true").stderr


@pytest.mark.parametrize("end", [Machine.crash, Machine.kill, Machine.poweroff])
def test_a_boot_keeps_disk_host_key_and_address(machines: TakeMachines, end: object) -> None:
    (host,) = machines(1)
    boot_id = "cat /proc/sys/kernel/random/boot_id"
    before = host.ssh(f"echo kept > note; nohup sleep 600 >/dev/null 2>&1 & {boot_id}").stdout
    assert callable(end)
    end(host)
    assert (host.home() / "note").read_text() == "kept\n"
    assert host.processes() == []
    host.boot()
    assert host.ssh("cat note").stdout == "kept\n"  # ssh checks the host key
    assert host.ssh(boot_id).stdout != before
    assert [process for process in host.processes() if "sleep" in process.argv] == []


@pytest.mark.needs("sudo")
def test_a_host_powers_itself_off(machines: TakeMachines, connect: Connect) -> None:
    (host,) = machines(1)
    init = host.processes()[0]
    session = connect(host, PATIENT)
    host.ssh("sudo shutdown -h now")
    assert init.wait(30)
    assert session.end()[0] == 255
    assert not host.on
    assert host.ssh("true", *ALIVE).returncode == 255


def test_only_root_may_power_off(machines: TakeMachines) -> None:
    (host,) = machines(1)
    assert host.ssh("/usr/sbin/poweroff", user="guest").returncode != 0
    assert host.ssh("true").returncode == 0


def test_a_frozen_host_takes_connections_and_says_nothing(machines: TakeMachines, connect: Connect) -> None:
    (host,) = machines(1)
    session = connect(host, PATIENT)
    host.freeze()
    session.say("asleep?")
    assert "banner exchange" in host.ssh("true", *ALIVE).stderr
    host.thaw()
    assert session.hear() == "asleep?"
    host.freeze()
    host.crash()
    assert not host.on


def test_a_short_partition_is_survived_by_an_open_session(machines: TakeMachines, connect: Connect) -> None:
    host, other = machines(2)
    session = connect(host, PATIENT)
    host.partition()
    session.say("anybody?")
    for _ in range(2):
        assert host.ssh("true", *ALIVE).returncode == 255
    assert other.ssh("true").returncode == 0
    host.heal()
    assert session.hear() == "anybody?"


def test_a_slow_network_moves_no_more_than_its_rate(machines: TakeMachines) -> None:
    (host,) = machines(1)
    host.slow("8mbit")
    start = time.monotonic()
    moved = host.ssh("head -c 1000000 /dev/urandom | base64 -w 0 | head -c 1000000").stdout
    assert len(moved) == 1_000_000
    assert time.monotonic() - start > 0.8  # a million bytes at a million a second, less what the queue holds


def test_a_lossy_network_loses_some(machines: TakeMachines) -> None:
    (host,) = machines(1)
    host.lose(50)

    def arrived() -> int:
        counters = [line.split() for line in host.run(["cat", "/proc/net/snmp"]).stdout.splitlines()]
        names, values = (fields for fields in counters if fields[0] == "Udp:")
        return int(values[names.index("NoPorts")])

    before = arrived()
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(b"", (host.ip, 9))
    assert 0 < arrived() - before < 200
    host.lose(100)
    assert host.ssh("true", *ALIVE).returncode == 255
    host.heal()
    assert host.ssh("true").returncode == 0


def test_a_full_disk_takes_no_more(machines: TakeMachines) -> None:
    (host,) = machines(1)
    write = "head -c 100000 /dev/zero > file"
    host.fill_disk()
    full = host.ssh(write)
    assert full.returncode != 0
    assert "No space left on device" in full.stderr
    host.free_disk()
    assert host.ssh(write).returncode == 0


@pytest.mark.needs("clock")
def test_a_wrong_clock_still_measures_durations(machines: TakeMachines) -> None:
    (host,) = machines(1)
    host.set_clock(7200)
    code = "import threading, time; threading.Event().wait(0.1); time.sleep(0.1); print(time.time())"
    shifted = float(host.ssh(f"python3 -c '{code}'").stdout)
    assert 7100 < shifted - time.time() < 7300
    assert 7100 < int(host.ssh("date +%s").stdout) - time.time() < 7300
    host.set_clock(0)
    assert abs(float(host.ssh(f"python3 -c '{code}'").stdout) - time.time()) < 100


def test_a_reset_leaves_nothing_of_before(machines: TakeMachines) -> None:
    (host,) = machines(1)
    key = host.host_public_key
    host.ssh("echo left > note; echo left > /tmp/note; nohup sleep 600 >/dev/null 2>&1 &")
    host.run(["rm", "/etc/hostname", "/usr/bin/env"])
    host.partition()
    host.reset()
    assert host.ssh("ls -A").stdout.split() == [".ssh"]
    assert host.ssh("ls /tmp; cat /etc/hostname; env true").stdout.split() == [host.name]
    assert host.host_public_key == key
    assert [process for process in host.processes() if "sleep" in process.argv] == []
