"""One script, run by bash to its end: its output copied, its exit code exact, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Protocol, Sequence

from . import processes
from .control_group import ControlGroup
from .layout import Layout, write_private

_CHUNK = 1 << 16
_LEFTOVER_GRACE_S = 2.0
_BASH_ENV = """unset BASH_ENV
for profile in ~/.bash_profile ~/.bash_login ~/.profile ~/.bashrc; do
  if [ -r "$profile" ]; then . "$profile"; break; fi
done
unset profile
"""


class Sink(Protocol):
    """Where output goes: a file, or what takes the place of one."""

    @property
    def name(self) -> Any:
        """Its name; ``<stdout>`` is the way to whoever asked for the output."""

    def write(self, chunk: bytes, /) -> Any:
        """Take all of ``chunk``."""

    def flush(self) -> None:
        """Hold nothing back."""


class StopSignal:
    """Turns SIGTERM, SIGINT and SIGHUP into a flag, and these and SIGCHLD into a readable descriptor.

    ``late`` says that it was asked because the time that ``limit`` gave is over.
    """

    def __init__(self) -> None:
        self.asked = self.late = False
        self.fd, write = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGALRM, self._ask_late)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def limit(self, seconds: float) -> None:
        """Ask, as being late, when so many seconds from now are over; 0 takes the limit away."""
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _ask(self, *_: object) -> None:
        self.asked = True

    def _ask_late(self, *_: object) -> None:
        self.asked = self.late = True

    def clear(self) -> None:
        """Forget the wake-ups so far; the flag stays."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self.fd, 512):
                pass


class Execution:
    """A bash process in its own group of this process's session, and the pipe that its output takes.

    With a control group it is started in that, and whatever is in it belongs to the script.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Dict[str, str],
        cwd: Path,
        sinks: Sequence[Sink],
        confined: Optional[ControlGroup] = None,
    ) -> None:
        self._sinks = list(sinks)
        self._confined = confined
        self._deadline: Optional[float] = None
        self._me = processes.identity()
        self._process = subprocess.Popen(
            argv,
            env=env,
            cwd=str(cwd),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            preexec_fn=self._prepare_child,  # noqa: PLW1509  (this process has one thread)
        )
        assert self._process.stdout is not None
        self._pipe = self._process.stdout
        os.set_blocking(self._pipe.fileno(), False)

    def wait(self, stop: StopSignal, grace_s: float) -> int:
        """Copy output until the script and all that it started are over; return its exit code.

        When ``stop`` is asked the process group gets SIGTERM and, ``grace_s`` later, all get SIGKILL.
        """
        poller = select.poll()
        poller.register(self._pipe, select.POLLIN)
        poller.register(stop.fd, select.POLLIN)
        told = at_eof = False
        while self._process.poll() is None:
            for fd, _ in poller.poll(self._timeout_ms()):
                if fd == stop.fd:
                    stop.clear()
                elif self._copy(stop):
                    at_eof = True
                    poller.unregister(self._pipe)
            if stop.asked and not told:
                told = True
                self._deadline = time.monotonic() + grace_s
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGTERM)
            if self._deadline is not None and time.monotonic() > self._deadline:
                self._kill_all()
        if not at_eof:
            self._copy(stop)
        processes.end(lambda: self._leftovers(stop), min(grace_s, _LEFTOVER_GRACE_S), self._kill_group)
        self._pipe.close()
        code = self._process.returncode
        return 128 - code if code < 0 else code

    def _prepare_child(self) -> None:
        os.setpgid(0, 0)
        os.umask(0o022)
        if self._confined is not None:
            self._confined.enter()

    def _timeout_ms(self) -> Optional[int]:
        return None if self._deadline is None else max(10, int((self._deadline - time.monotonic()) * 1000))

    def _leftovers(self, stop: StopSignal) -> List[processes.Identity]:
        members = self._members()
        self._copy(stop)
        return members

    def _members(self) -> List[processes.Identity]:
        confined = self._confined.members() if self._confined is not None else []
        return [*confined, *processes.session_members(self._me)]

    def _kill_group(self) -> None:
        if self._confined is not None:
            self._confined.kill()

    def _kill_all(self) -> None:
        self._kill_group()
        for each in self._members():
            processes.send(each, signal.SIGKILL)
        self._deadline = time.monotonic() + 0.5

    def _copy(self, stop: StopSignal) -> bool:
        """Copy what has come; return whether the pipe is at its end."""
        while True:
            try:
                chunk = os.read(self._pipe.fileno(), _CHUNK)
            except BlockingIOError:
                return False
            if not chunk:
                return True
            for sink in tuple(self._sinks):
                self._write(sink, chunk, stop)
            if len(chunk) < _CHUNK:
                return False

    def _write(self, sink: Sink, chunk: bytes, stop: StopSignal) -> None:
        """Write to a sink; one that fails is given up, and the caller's going away ends the script."""
        try:
            sink.write(chunk)
            sink.flush()
        except OSError:
            self._sinks.remove(sink)
            stop.asked = stop.asked or sink.name == "<stdout>"


class Script:
    """A shell script in a file of mode 0600 (never in an argument list), removed at the block's end."""

    def __init__(self, layout: Layout, name: str, text: str) -> None:
        layout.scripts.mkdir(mode=0o700, exist_ok=True)
        self._path = layout.scripts / name
        self._text = text

    def __enter__(self) -> List[str]:
        write_private(self._path, self._text)
        return [shutil.which("bash") or "/bin/bash", str(self._path)]

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()


def base_environment(layout: Layout) -> Dict[str, str]:
    """Return the environment that every script of a user starts from.

    The user's own profile in the home, where there is one, is read before the script (``BASH_ENV``), so
    that what setup installed and put there is found; the system's profile is not, as it would reset PATH.
    """
    env = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    profile = layout.state / "bash_env"
    if not profile.exists():
        write_private(profile, _BASH_ENV)
    env["BASH_ENV"] = str(profile)
    env["HOME"] = str(layout.home)
    env["PYTHONUNBUFFERED"] = "1"
    return env
