"""Why the agent refuses a call; ``kind`` crosses the wire and becomes an error class on the client."""

from __future__ import annotations


class Refused(Exception):
    """The call cannot be done; ``kind`` is ``unsupported``, ``invalid``, ``stopping`` or ``broken``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
