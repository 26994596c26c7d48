"""What a user does with a cluster that a task was launched on, the same wherever it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.integration.command import sky

DATA = "from the laptop\n"
OUTPUT = f"{DATA}ready\n"
"""What the task prints: a file that came along, and one that setup made."""


def write_task(folder: Path, **resources: str) -> Path:
    """Write a task that takes a folder along, is set up, and prints ``OUTPUT``; return its file."""
    (folder / "work").mkdir()
    (folder / "work" / "data").write_text(DATA)
    wanted = "".join(f"  {name}: {value}\n" for name, value in resources.items())
    task = folder / "task.yaml"
    task.write_text(
        f"name: t\nworkdir: {folder}/work\nresources:\n{wanted}"
        "setup: echo ready > ~/sky_workdir/setup\nrun: cat data setup\n"
    )
    return task


def assert_serves(task: Path, home: Path) -> None:
    """The cluster ``dev``, which has run ``task``, runs jobs, lists and cancels them, and ssh knows it."""
    assert sky("launch", "-y", "-c", "dev", str(task)).out == OUTPUT
    assert sky("exec", "dev", "exit 7", code=7).code == 7
    assert "Job 4" in sky("exec", "-d", "dev", "sleep 600").err
    assert [job["status"] for job in sky("queue", "dev", "--json").json["dev"]] == [
        "RUNNING",
        "FAILED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]
    sky("cancel", "-y", "dev", "4")
    assert sky("logs", "dev", "1").out == OUTPUT
    alias = ["ssh", "-F", str(home / ".ssh" / "config"), "-o", "BatchMode=yes", "dev", "cat sky_workdir/data"]
    assert subprocess.run(alias, capture_output=True, text=True, check=True).stdout == DATA
