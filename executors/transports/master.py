"""Connections to nodes that outlive a command: OpenSSH masters.

They are shared with all processes of this user and end by themselves ``_PERSIST_S`` after their last session.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from executors.transports.address import Address
from executors.transports.client import client_argv
from executors.transports.lanes import LANES, SESSIONS, Lanes, Place
from executors.transports.ssh_failures import failure, hides_reason, may_pass
from executors.transports.ssh_files import control_path, locks_folder, write_private

_log = logging.getLogger("sky.executors")

_NO_MASTER = "sky-no-master"
_REFUSED = "session request failed: Session open refused"
_CONTROL_TIMEOUT_S = 10.0
_ATTEMPT_LIMIT_S = 45.0
_PAUSES_S = (0.3, 0.7, 1.5, 3.0)
_PERSIST_S = 300


@dataclass(slots=True, eq=False)
class Master:
    """One connection: its control socket, and how many of its sessions this process uses and may use."""

    address: Address
    path: Path
    used: int = 0
    room: int = SESSIONS

    def session_argv(self) -> list[str]:
        """Return the ssh command, up to the host, of a session that never connects by itself."""
        return [
            *("ssh", "-F", "none", "-T", "-S", str(self.path), "-o", "ControlMaster=no"),
            *("-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", f"ProxyCommand=echo {_NO_MASTER} >&2"),
            "--",
        ]

    def session_failed(self, place: Place[Master], stderr: str) -> bool:
        """Return whether, by what ssh printed, the session did not begin and another place may do."""
        if _REFUSED in stderr:
            place.refused()
        elif _NO_MASTER in stderr and "mux_client" not in stderr:
            self.connect()
        else:
            return False
        return True

    def connected(self) -> bool:
        """Return whether there is a socket; one that nobody listens on shows when it is used."""
        return self.path.exists()

    def connect(self) -> None:
        """Make sure that the connection is there. Raises ``HostUnreachable`` and its kinds.

        Processes take turns; what one was told while another waited for its turn holds for that one, too.
        """
        from filelock import FileLock

        asked_at = time.time()
        refusal = locks_folder() / f"{self.path.name}.refusal"
        with FileLock(locks_folder() / f"{self.path.name}.lock", mode=0o600):
            if self._answers():
                return
            said = _told_since(refusal, asked_at)
            if said is None:
                self.path.unlink(missing_ok=True)
                said = self._start()
                if said is None:
                    return
                write_private(refusal, said)
        raise failure(self.address, said, [*client_argv(self.address), self.address.host])

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

    def _start(self) -> str | None:
        """Connect, again where the host may only be busy; returns what ssh printed if that failed."""
        base = client_argv(self.address)
        argv = [*base, "-M", "-S", str(self.path), "-o", f"ControlPersist={_PERSIST_S}", "-N", "-f"]
        for pause_s in (*_PAUSES_S, None):
            stderr = _run([*argv, "--", self.address.host])
            if stderr is not None and hides_reason(stderr):
                stderr = _run([*base, "-T", "--", self.address.host, "exit"]) or stderr
            if stderr is None or pause_s is None or not may_pass(stderr):
                break
            _log.debug("%s does not let us in yet: %s", self.address, stderr)
            time.sleep(pause_s)
        return stderr


def _told_since(refusal: Path, asked_at: float) -> str | None:
    """Return what ssh printed for another process, where that failed after ``asked_at``."""
    try:
        return refusal.read_text("utf-8") if refusal.stat().st_mtime > asked_at else None
    except FileNotFoundError:
        return None


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


_all: dict[tuple[Address, Path], Lanes[Master]] = {}
_all_lock = threading.Lock()


def masters_of(address: Address) -> Lanes[Master]:
    """Return this process's connections to ``address``."""
    key = (address, control_path(address, 0))
    with _all_lock:
        return _all.setdefault(
            key, Lanes(address, lambda number: Master(address, control_path(address, number)))
        )


def end_masters(address: Address) -> None:
    """End the connections of all processes of this user to ``address``; none is fine."""
    for number in range(LANES):
        master = Master(address, control_path(address, number))
        if master.connected():
            with contextlib.suppress(subprocess.TimeoutExpired):
                master.disconnect()
