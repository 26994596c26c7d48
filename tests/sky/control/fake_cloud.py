"""A cloud of this machine's folders under a script, registered under a name for one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from executors import registry
from executors.api import Access, Capability
from executors.fake import Script, executor

ADA = Access(enabled=True, identity="acct-1/ada")


@contextmanager
def cloud(name: str, root: Path, script: Script) -> Iterator[Script]:
    """Make ``name`` a cloud whose clusters are folders below ``root``."""
    able = {Capability.STOP, Capability.AUTOSTOP, Capability.AUTODOWN, Capability.PORTS}
    made = executor(name, root / name, script, frozenset(able))
    registry.register(name, lambda: made)
    try:
        yield script
    finally:
        registry.unregister(name)
