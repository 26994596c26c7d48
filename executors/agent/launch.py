"""How the agent starts itself: the file it runs from, and the fork of the daemon."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import List

from .layout import Layout

ARCHIVE = "agent.pyz"
_LARGEST_LOG = 1 << 20


def agent_argv(command: str) -> List[str]:
    """Return the words that run ``command`` (``daemon``, in the foreground) of the newest installed agent."""
    return [sys.executable, "-I", str(Layout.here().state / ARCHIVE), command]


def detach(log: str) -> None:
    """Make this process deaf to terminals: no input, output to ``log``, begun anew when it has grown."""
    with contextlib.suppress(FileNotFoundError):
        if Path(log).stat().st_size > _LARGEST_LOG:
            Path(log).unlink()
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(output)
