"""The sky home: the folder of everything that is kept for this user on this machine."""

from __future__ import annotations

import os
from pathlib import Path


def sky_home() -> Path:
    """Return ``$SKY_HOME``, else ``~/.sky``, as an absolute path."""
    return Path(os.environ.get("SKY_HOME") or "~/.sky").expanduser().absolute()
