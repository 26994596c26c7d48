"""The agent's start with its node: by a script, ``~/.sky_agent/boot``, for what the node runs when it boots.

A container's first process runs it; machines do not.
"""

from __future__ import annotations

import shlex
import socket
import time

from . import idle
from .launch import agent_argv
from .layout import Config, Layout, write_private
from .store import connect

_ADDRESS_TIMEOUT_S = 60.0
_PAUSE_S = 0.2


def write_script(layout: Layout, config: Config) -> None:
    """Write the script, unless it is there already: it has the mark and the interpreter of today's agent."""
    marker = ["env", config.marker] if config.marker else []
    script = f"exec {shlex.join([*marker, *agent_argv('boot')])}\n"
    path = layout.state / "boot"
    if not path.exists() or path.read_text("utf-8") != script:
        write_private(path, script)


def is_due(layout: Layout, config: Config) -> bool:
    """Return whether the agent goes on where it was; waits a while for the node's address.

    Not on a node that was stopped, or stopped itself: its autostop would act again before who starts it can
    say otherwise. Nor where another node has a copy of the disk, or the address is another: the settings are
    wrong there until somebody gives today's.
    """
    db = connect(layout.database)
    stopped = idle.stopping(db)
    db.close()
    return not stopped and _has_address(config.addresses[config.rank])


def _has_address(address: str) -> bool:
    deadline = time.monotonic() + _ADDRESS_TIMEOUT_S
    while not _is_own(address):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def _is_own(address: str) -> bool:
    """Return whether this node has the address: nobody else can listen there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
