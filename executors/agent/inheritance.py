"""What an agent left on a disk that another cluster starts from: its jobs and autostop stay behind.

The state belongs to the cluster whose marker stands in the settings. A copied disk brings it along; the logs
and the workdir on it are the user's, and stay.
"""

from __future__ import annotations

import shutil
from typing import Any, Dict

from .layout import Config, Layout


def is_of_another(layout: Layout, given: Dict[str, Any]) -> bool:
    """Return whether the state on disk is that of another cluster than the one of these settings."""
    before, now = Config.read(layout).marker, Config(given).marker
    return before != now and "" not in (before, now)


def put_away(layout: Layout) -> None:
    """Remove all state but the agent itself, the settings last: killed half-way, it is done again."""
    for path in sorted(layout.state.iterdir(), key=lambda each: each == layout.config):
        if path.suffix == ".pyz":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        else:
            path.unlink()
