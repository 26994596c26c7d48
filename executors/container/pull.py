"""What is printed while a machine gets docker and an image: a line for each step of a layer, for one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

_STEP = re.compile(r"[0-9a-f]{12}: (?P<step>Pulling fs layer|Pull complete|Already exists)")
_TELL_EVERY_S = 5.0
_KEPT = 20
_INSTALLING = "installing "
_ERROR = "Error response from daemon: "


class PullOutput:
    """Reads the lines as they come; ``tell`` hears now and then how far it is: ``pulled 2 of 5 layers``."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._begun = b""
        self._lines: list[str] = []
        self._found = self._done = 0
        self._told_at = float("-inf")

    def take(self, chunk: bytes) -> None:
        """Read on."""
        *whole, self._begun = (self._begun + chunk).split(b"\n")
        for line in whole:
            self._read(line.decode(errors="replace").strip())

    @property
    def last(self) -> str:
        """The last whole line, ``""`` before the first."""
        return self._lines[-1] if self._lines else ""

    @property
    def complaint(self) -> str:
        """What was said besides the steps: the error alone where there is one, shortened to its end."""
        return " ".join(self._lines).rpartition(_ERROR)[2][-500:]

    def _read(self, line: str) -> None:
        step = _STEP.fullmatch(line)
        if step is None:
            self._lines = [*self._lines, line][-_KEPT:]
        else:
            self._found += step["step"] != "Pull complete"
            self._done += step["step"] != "Pulling fs layer"
        now = time.monotonic()
        if line.startswith(_INSTALLING):
            self._tell(line)
        elif line.startswith("Digest:") or (step is not None and now - self._told_at > _TELL_EVERY_S):
            self._told_at = now
            self._tell(f"pulled {self._done} of {self._found} layers")
