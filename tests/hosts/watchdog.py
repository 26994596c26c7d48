"""Takes a run down when its owner has ended without doing so, however it ended.

``python -m tests.hosts.watchdog FOLDER`` is started by the run itself and ends with it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from tests.hosts.hosts import clear_abandoned
from tests.hosts.process import Process
from tests.hosts.record import Record


def watch(folder: Path) -> None:
    """Wait for the end of the owner of the run in ``folder``; then clear away what is abandoned."""
    with suppress(FileNotFoundError):
        Process.parse(Record.read(folder).owner).wait()
        clear_abandoned()


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
