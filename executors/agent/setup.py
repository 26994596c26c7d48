"""Setup of a node, outside any job: streamed to the caller and kept as ``setup-<node>.log``."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
import time
from typing import Any, Dict

from . import idle
from .environment import setup_rank
from .execution import Execution, Script, StopSignal, base_environment
from .full_disk import LogFile
from .layout import Config, Layout, write_private
from .store import connect

_WORKDIR_MEMORY = f"synced/{hashlib.sha256(b'sky_workdir').hexdigest()[:32]}.json"


def setup(layout: Layout, request: Dict[str, Any]) -> int:
    """Run ``request['script']`` in the workdir and return its exit code.

    ``request`` has ``script``, ``env``, ``run_timestamp`` and ``rank``. The node is not idle meanwhile;
    when the caller goes away the script is ended. What succeeded here last, with the same environment and
    on the same workdir as it was brought, is left out.
    """
    stop = StopSignal()
    with contextlib.suppress(PermissionError):  # already the leader of a session
        os.setsid()
    config = Config.read(layout)
    rank = int(request.get("rank", 0))
    logs = layout.log_dir(request["run_timestamp"])
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.workdir.mkdir(parents=True, exist_ok=True)
    given = {**request.get("env", {}), **setup_rank(config.addresses, rank)}
    done = _Done(layout, request["script"], given)
    with contextlib.ExitStack() as stack:
        stack.enter_context(idle.lease(connect(layout.database), "setup"))
        file = stack.enter_context(LogFile(logs / f"setup-{config.addresses[rank]}.log"))
        sinks = (sys.stdout.buffer, file)
        if done.before():
            for sink in sinks:
                sink.write(b"sky: setup succeeded here before and nothing that it reads has changed\n")
            return 0
        done.forget()
        argv = stack.enter_context(Script(layout, f"setup-{os.getpid()}.sh", request["script"]))
        env = {**base_environment(layout), **given}
        code = Execution(argv, env, layout.workdir, sinks).wait(stop, config.cancel_grace_s)
    if code == 0:
        done.remember()
    return code


class _Done:
    """The setup that succeeded last on this node, known by what it was made of."""

    def __init__(self, layout: Layout, script: str, env: Dict[str, str]) -> None:
        self._layout = layout
        self._record = layout.state / "setup.json"
        made_of = json.dumps([script, env, self._brought()], sort_keys=True)
        self._digest = hashlib.sha256(made_of.encode()).hexdigest()

    def _brought(self) -> "list[list[Any]]":
        """Return path, size and time of all files that the last sync brought to the workdir."""
        try:
            paths = json.loads((self._layout.state / _WORKDIR_MEMORY).read_text("utf-8"))
        except (OSError, ValueError):
            return []
        found = []
        for path in paths:
            with contextlib.suppress(OSError):
                status = (self._layout.workdir / path).lstat()
                if not stat.S_ISDIR(status.st_mode):
                    found.append([path, status.st_size, status.st_mtime_ns])
        return found

    def before(self) -> bool:
        """Return whether this very setup succeeded last."""
        try:
            return bool(json.loads(self._record.read_text("utf-8"))["digest"] == self._digest)
        except (OSError, ValueError, KeyError):
            return False

    def forget(self) -> None:
        """Know of none: what was set up may be half undone from now on."""
        with contextlib.suppress(FileNotFoundError):
            self._record.unlink()

    def remember(self) -> None:
        """Know that this one succeeded."""
        write_private(self._record, json.dumps({"digest": self._digest, "at": time.time()}))
