"""A host's public key, and how known_hosts files write it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HostKey:
    """One public key of a host: its name as known_hosts has it (``h`` or ``[h]:port``), kind and base64."""

    host: str
    kind: str
    key: str

    @property
    def fingerprint(self) -> str:
        """``SHA256:...``, as OpenSSH prints it."""
        digest = hashlib.sha256(base64.b64decode(self.key)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    @property
    def line(self) -> str:
        """The line of a known_hosts file."""
        return f"{self.host} {self.kind} {self.key}"


def read_keys(path: Path) -> list[HostKey]:
    """Return the keys in a known_hosts file; none where there is no file."""
    try:
        return parse_keys(path.read_text("utf-8", errors="replace").splitlines())
    except FileNotFoundError:
        return []


def parse_keys(lines: Iterable[str]) -> list[HostKey]:
    """Return the keys in lines of a known_hosts file; comments, markers and broken lines are left out."""
    keys = []
    for line in lines:
        words = line.split()
        if len(words) >= 3 and not line.startswith(("#", "@")):
            try:
                base64.b64decode(words[2], validate=True)
            except binascii.Error:
                continue
            keys.append(HostKey(*words[:3]))
    return keys


def line_fingerprint(path: Path, number: int) -> str:
    """Return the fingerprint of the key in a line (from 1) of a known_hosts file, or ``"another"``."""
    try:
        keys = parse_keys([path.read_text("utf-8", errors="replace").splitlines()[number - 1]])
    except (OSError, IndexError):
        return "another"
    return keys[0].fingerprint if keys else "another"
