"""Slurm's daemons on one node: configured, started, kept alive and ended; each known by its pid file."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import getpass
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

from . import confinement, processes
from .errors import Refused
from .launch import ARCHIVE
from .layout import Config, Layout, write_private
from .slurm import NODE, Slurm

PROGRAMS = ("munged", "munge", "unmunge", "slurmctld", "slurmd", "srun", "scancel", "scontrol", "sinfo")
_START_TIMEOUT_S = 60.0
_END_GRACE_S = 5.0
_KEY = "munge.key"
_APPLIED = "applied.json"


class Daemons:
    """The daemons of one node; every method may be called again, by several processes at once."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._slurm = Slurm(layout)
        self._folder = self._slurm.folder
        self._home = layout.home

    def facts(self, config: Config) -> Dict[str, Any]:
        """Return what the client has to know to configure this node, and whether it is so already."""
        path = self._slurm.environment()["PATH"]
        missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
        applied = self._applied()
        return {
            "hostname": socket.gethostname().partition(".")[0],
            "user": getpass.getuser(),
            "uid": os.getuid(),
            "home": str(self._home),
            "cpus_milli": config.cpus_milli,
            "memory_mib": config.memory_mib,
            "missing": missing,
            "version": "" if missing else self._version(),
            "digest": applied.get("digest", "") if not missing and not self._dead(applied) else "",
        }

    def key(self) -> str:
        """Return the cluster's key as base64, ``""`` where there is none yet."""
        try:
            return base64.b64encode((self._folder / _KEY).read_bytes()).decode("ascii")
        except FileNotFoundError:
            return ""

    def apply(self, request: Dict[str, Any]) -> None:
        """Write the configuration and start what it calls for; the same one again only starts what is down.

        ``request`` has ``files`` (name -> text), ``key`` (base64), ``node``, ``devices`` and ``digest``.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with self._locked():
            if self._applied().get("digest") != request["digest"]:
                self._end()
                self._write(request)
            self._start(self._applied())

    def ensure(self) -> None:
        """Start what is down, on a node that was configured."""
        if self._slurm.configured():
            with self._locked():
                self._start(self._applied())

    def down(self) -> None:
        """End the daemons; their files stay."""
        if self._folder.is_dir():
            with self._locked():
                self._end()

    def _applied(self) -> Dict[str, Any]:
        try:
            found: Dict[str, Any] = json.loads((self._folder / _APPLIED).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _write(self, request: Dict[str, Any]) -> None:
        for name in ("spool", "state", "devices"):
            (self._folder / name).mkdir(mode=0o700, exist_ok=True)
        for number in range(int(request.get("devices", 0))):
            (self._folder / "devices" / str(number)).touch()
        key = os.open(str(self._folder / _KEY), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(key, "wb") as file:
            file.write(base64.b64decode(request["key"]))
        for name, text in request["files"].items():
            write_private(self._folder / Path(name).name, text)
        agent = [sys.executable, "-I", str(self._folder.parent / ARCHIVE), "rank"]
        write_private(self._slurm.rank_script, f"exec {' '.join(map(shlex.quote, agent))}\n")
        applied = {"digest": request["digest"], "node": int(request["node"])}
        write_private(self._folder / _APPLIED, json.dumps(applied))

    def _commands(self, applied: Dict[str, Any]) -> Dict[str, List[str]]:
        """Return pid file -> the command of the daemon that writes it, in the order to start them."""
        folder, config = self._folder, str(self._slurm.config)
        munged = ["munged", "--force", "--num-threads=2"]
        for option, name in (
            ("key-file", _KEY),
            ("socket", self._slurm.socket.name),
            ("pid-file", "munged.pid"),
            ("log-file", "munged.log"),
            ("seed-file", "munged.seed"),
        ):
            munged.append(f"--{option}={folder / name}")
        commands = {"munged.pid": munged}
        if applied["node"] == 0:
            commands["slurmctld.pid"] = ["slurmctld", "-f", config]
        commands["slurmd.pid"] = ["slurmd", "-f", config, "-N", f"{NODE}{applied['node']}"]
        return commands

    def _start(self, applied: Dict[str, Any]) -> None:
        dead = self._dead(applied)
        if dead:
            confinement.prepare(self._layout, Config.read(self._layout))
        for name in dead:
            argv = self._commands(applied)[name]
            try:
                done = subprocess.run(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    cwd=str(self._folder),
                    env=self._slurm.environment(),
                    timeout=_START_TIMEOUT_S,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise Refused("broken", f"{argv[0]} cannot be started: {error}") from error
            if done.returncode:
                said = done.stderr.decode(errors="replace").strip()[-500:]
                log = self._folder / f"{argv[0]}.log"
                raise Refused(
                    "broken", f"{argv[0]} does not start: {said}; see {log} on {socket.gethostname()}"
                )

    def _dead(self, applied: Dict[str, Any]) -> List[str]:
        """Return the pid files of daemons that should run and do not."""
        return [name for name in self._commands(applied) if self._pid(name) is None] if applied else []

    def _pid(self, name: str) -> Optional[int]:
        """Return the pid in a pid file when it is that of our daemon, whose command names our folder."""
        try:
            pid = int((self._folder / name).read_text("ascii"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self._folder).encode() in command else None

    def _end(self) -> None:
        """End the daemons and wait until each is gone, which is a while after its pid file is."""
        for name in ("slurmd.pid", "slurmctld.pid", "munged.pid"):
            pid = self._pid(name)
            if pid is not None and not processes.end(_only(processes.identity(pid)), _END_GRACE_S):
                raise Refused("broken", f"process {pid} of {self._folder / name} does not end")

    def _version(self) -> str:
        done = subprocess.run(
            ["slurmd", "-V"], stdout=subprocess.PIPE, env=self._slurm.environment(), check=False
        )
        return done.stdout.decode(errors="replace").strip().rpartition(" ")[2]

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(str(self._folder / "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _only(who: processes.Identity) -> Callable[[], List[processes.Identity]]:
    """Return what says which processes are left of ``who``."""
    return lambda: [who] if processes.alive(who) else []
