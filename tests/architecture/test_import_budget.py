"""Starting is cheap: names resolve on first use, and heavy libraries load only where they work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.architecture.source_tree import ROOT

HEAVY = {
    "asyncio", "asyncssh", "boto3", "botocore", "click", "google", "kubernetes", "networkx", "numpy",
    "ortools", "pandas", "peewee", "psutil", "pyarrow", "rich", "sqlite3", "yaml",
}  # fmt: skip
NEVER = {"pandas", "pyarrow.dataset", "ortools.sat.python.cp_model", "networkx"}


def _loaded_by(code: str, home: Path) -> set[str]:
    """Modules that a fresh interpreter holds after running ``code`` with an empty home."""
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "SKY_HOME": str(home / ".sky")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_sky_loads_no_heavy_library(tmp_path: Path) -> None:
    assert HEAVY & _loaded_by("import sky", tmp_path) == set()


def test_describing_a_task_loads_no_heavy_library(tmp_path: Path) -> None:
    code = (
        "import sky\n"
        "task = sky.Task(run='true')\n"
        "task.set_resources(sky.Resources(cpus='4+', memory='16+'))\n"
    )
    assert HEAVY & _loaded_by(code, tmp_path) == set()


def test_the_command_line_starts_without_solver_and_catalog(tmp_path: Path) -> None:
    allowed = {"click"}
    assert (HEAVY - allowed) & _loaded_by("import sky.cli.main", tmp_path) == set()


def test_a_whole_plan_never_loads_what_costs_a_second(tmp_path: Path) -> None:
    code = (
        "import sky\n"
        "task = sky.Task(run='true')\n"
        "task.set_resources(sky.Resources(accelerators='A100:8'))\n"
        "plan = sky.optimize(task, quiet=True)\n"
        "assert plan.tasks[0].accelerators == {'A100': 8}, plan\n"
    )
    loaded = _loaded_by(code, tmp_path)
    assert "ortools" in loaded
    assert NEVER & loaded == set()
