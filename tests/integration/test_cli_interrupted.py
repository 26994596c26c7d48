"""``sky optimize`` that is stopped while it searches, as a process that gets the real signal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import signal, sys
import solver.solve

def stop(search, objective):
    signal.raise_signal(int(sys.argv[1]))

solver.solve._STAGES = (("exact", stop),)
from sky.cli.main import main
main(["optimize", sys.argv[2], "--json"])
"""

PIPELINE = Path(__file__).parents[2] / "examples" / "pipeline.yaml"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_best_plan_so_far_is_printed(number: signal.Signals, code: int) -> None:
    """Feasible, with its bound, as JSON; the exit code says which signal it was."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(int(number)), str(PIPELINE)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == code, ran.stderr
    plan = json.loads(ran.stdout)
    assert plan["status"] == "FEASIBLE"
    assert plan["tasks"][0]["instance_type"]
    assert any("was interrupted" in note for note in plan["notes"])
