"""Connections to nodes that outlive a command: OpenSSH masters, and the sessions that share them.

A server opens few sessions a connection (``MaxSessions``, 10 by default), so there may be several
connections, called lanes, to one node. They are shared with all processes of this user and end by themselves
``_PERSIST_S`` after their last session.
"""

from __future__ import annotations

import logging
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from executors.errors import HostUnreachable
from executors.transports.address import Address
from executors.transports.client import client_argv
from executors.transports.ssh_failures import failure, may_pass
from executors.transports.ssh_files import control_path

_log = logging.getLogger("sky.executors")

_NO_MASTER = "sky-no-master"
_REFUSED = "session request failed: Session open refused"
_NO_SESSION_LIMIT_S = 60.0
_CONTROL_TIMEOUT_S = 10.0
_ATTEMPT_LIMIT_S = 45.0
_PAUSES_S = (0.3, 0.7, 1.5, 3.0)
_PERSIST_S = 300
_SESSIONS = 8
_LANES = 16


@dataclass(slots=True, eq=False)
class Lane:
    """One connection: its control socket, and how many of its sessions this process uses and may use."""

    address: Address
    path: Path
    used: int = 0
    room: int = _SESSIONS

    def session_argv(self) -> list[str]:
        """Return the ssh command, up to the host, of a session that never connects by itself."""
        return [
            *("ssh", "-F", "none", "-T", "-S", str(self.path), "-o", "ControlMaster=no"),
            *("-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", f"ProxyCommand=echo {_NO_MASTER} >&2"),
            "--",
        ]

    def connect(self) -> None:
        """Make sure that the connection is there. Raises ``HostUnreachable`` and its kinds."""
        from filelock import FileLock

        with FileLock(self.path.with_suffix(".lock"), mode=0o600):
            if not self._answers():
                self.path.unlink(missing_ok=True)
                self._start()

    def disconnect(self) -> None:
        """End the connection and every session on it, of other processes, too; ended already is success."""
        self._control("exit")

    def _answers(self) -> bool:
        return self.path.exists() and self._control("check") == 0

    def _control(self, word: str) -> int:
        argv = ["ssh", "-F", "none", "-S", str(self.path), "-O", word, "--", self.address.host]
        return subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_CONTROL_TIMEOUT_S, check=False
        ).returncode

    def _start(self) -> None:
        base = client_argv(self.address)
        by_hand = [*base, self.address.host]
        argv = [*base, "-M", "-S", str(self.path), "-o", f"ControlPersist={_PERSIST_S}", "-N", "-f"]
        for pause_s in (*_PAUSES_S, None):
            stderr = _run([*argv, "--", self.address.host])
            if stderr is None:
                return
            if pause_s is None or not may_pass(stderr):
                raise failure(self.address, stderr, by_hand)
            _log.debug("%s does not let us in yet: %s", self.address, stderr)
            time.sleep(pause_s)


def _run(argv: list[str]) -> str | None:
    """Start a master and wait until it is in the background; returns what it printed if it failed.

    Its stderr is a file, as a pipe would stay open for as long as the master lives.
    """
    with tempfile.TemporaryFile() as stderr:
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
                timeout=_ATTEMPT_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "it accepted the connection and then said nothing"
        stderr.seek(0)
        return None if done.returncode == 0 else stderr.read().decode(errors="replace")


class Lanes:
    """All connections of this process to one node, and who may open a session on which."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lanes: list[Lane] = []
        self._changed = threading.Condition()

    def places(self, patience_s: float) -> Iterator[Place]:
        """Yield places for one session, another one each time that the last was of no use.

        Waits ``patience_s`` for a free one before another connection is opened. Raises ``HostUnreachable``
        when none is of use for ``_NO_SESSION_LIMIT_S``.
        """
        give_up = time.monotonic() + _NO_SESSION_LIMIT_S
        while time.monotonic() < give_up:
            yield Place(self, patience_s)
        raise HostUnreachable(
            f"{self._address} lets us in and opens no session that lasts; look at MaxSessions in its "
            f"sshd_config and at the load of the machine",
            self._address.host,
        )

    def take(self, patience_s: float) -> Lane:
        """Take a place on a lane; waits ``patience_s`` for one before another connection is opened."""
        deadline = time.monotonic() + patience_s
        with self._changed:
            while True:
                for lane in self._lanes:
                    if lane.used < lane.room:
                        lane.used += 1
                        return lane
                wait_s = deadline - time.monotonic()
                if not self._lanes or (wait_s <= 0 and len(self._lanes) < _LANES):
                    path = control_path(self._address, len(self._lanes))
                    self._lanes.append(Lane(self._address, path))
                elif not self._changed.wait(max(wait_s, 0.5)) and all(lane.used == 0 for lane in self._lanes):
                    self._lanes[0].room = 1  # what was refused once may be granted now

    def give_back(self, lane: Lane) -> None:
        """Give a place back."""
        with self._changed:
            lane.used -= 1
            lane.room = min(lane.room + 1, _SESSIONS)
            self._changed.notify()

    def refused(self, lane: Lane) -> None:
        """Note that the server opens no further session on ``lane`` for now."""
        with self._changed:
            lane.room = lane.used - 2  # the refused session was one, and its return adds one again

    def disconnect(self) -> None:
        """End all connections, also those that other processes share."""
        for number in range(max(len(self._lanes), 1)):
            Lane(self._address, control_path(self._address, number)).disconnect()


class Place:
    """The right to one session on a lane that is connected, for as long as the block lasts."""

    def __init__(self, lanes: Lanes, patience_s: float) -> None:
        self._lanes = lanes
        self._patience_s = patience_s

    def __enter__(self) -> Place:
        self._lane = self._lanes.take(self._patience_s)
        try:
            if not self._lane.path.exists():
                self._lane.connect()
        except BaseException:
            self._lanes.give_back(self._lane)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._lanes.give_back(self._lane)

    @property
    def argv(self) -> list[str]:
        """The ssh command, up to the host."""
        return self._lane.session_argv()

    @property
    def host(self) -> str:
        """The host, as ssh is told it."""
        return self._lane.address.host

    def try_again(self, stderr: str) -> bool:
        """Return whether, by what ssh printed, the session did not begin and another place may do."""
        if _REFUSED in stderr:
            self._lanes.refused(self._lane)
        elif _NO_MASTER in stderr and "mux_client" not in stderr:
            self._lane.connect()
        else:
            return False
        return True


_all: dict[tuple[Address, Path], Lanes] = {}
_all_lock = threading.Lock()


def lanes_to(address: Address) -> Lanes:
    """Return this process's connections to ``address``."""
    key = (address, control_path(address, 0))
    with _all_lock:
        return _all.setdefault(key, Lanes(address))
