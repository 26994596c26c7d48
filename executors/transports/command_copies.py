"""Copying files where commands are all there is: into pods, and into containers on a machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from executors.api import Progress
from executors.sync import blocks
from executors.transports.commands import Commands


class CommandCopies(Commands):
    """A transport whose files go the way its commands go, to the interpreter ``python`` there."""

    python: str

    def put(
        self,
        source: Path,
        target: str,
        *,
        ignore: Sequence[str] = (),
        delete: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> int:
        """Make ``target`` equal to ``source``, ignore rules applied; returns the number of files copied.

        Raises ``SyncFailed``.
        """
        return blocks.put(self, self.python, source, target, ignore, delete, on_progress)

    def get(self, source: str, target: Path) -> None:
        """Copy a file or folder from the node. Raises ``SyncFailed``."""
        blocks.get(self, self.python, source, target)
