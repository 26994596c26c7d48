"""Setup of a node, outside any job: streamed to the caller and kept as ``setup-<node>.log``."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Dict

from . import idle
from .execution import Execution, Script, StopSignal, base_environment
from .layout import Config, Layout
from .environment import setup_rank
from .store import connect


def setup(layout: Layout, request: Dict[str, Any]) -> int:
    """Run ``request['script']`` in the workdir and return its exit code.

    ``request`` has ``script``, ``env``, ``run_timestamp`` and ``rank``. The node is not idle meanwhile;
    when the caller goes away the script is ended.
    """
    stop = StopSignal()
    with contextlib.suppress(PermissionError):  # already the leader of a session
        os.setsid()
    config = Config.read(layout)
    rank = int(request.get("rank", 0))
    logs = layout.log_dir(request["run_timestamp"])
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.workdir.mkdir(parents=True, exist_ok=True)
    env = {
        **base_environment(layout),
        **request.get("env", {}),
        **setup_rank(config.addresses, rank),
    }
    log = os.open(
        str(logs / f"setup-{config.addresses[rank]}.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(idle.lease(connect(layout.database), "setup"))
        file = stack.enter_context(os.fdopen(log, "wb", buffering=0))
        argv = stack.enter_context(Script(layout, f"setup-{os.getpid()}.sh", request["script"]))
        running = Execution(argv, env, layout.workdir, (sys.stdout.buffer, file))
        return running.wait(stop, config.cancel_grace_s)
