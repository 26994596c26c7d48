"""When a node acts on its autostop setting, beyond what conformance shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from executors.agent.idle import Autostop, decide_to_stop, due_at, set_autostop
from executors.agent.store import connect

SET = """
import sys
from pathlib import Path
from executors.agent.idle import Autostop, set_autostop
from executors.agent.store import connect
set_autostop(connect(Path(sys.argv[1])), Autostop(0, False, sys.argv[2]))
"""


@pytest.mark.parametrize("wait_for", ["jobs", "none"])
def test_a_node_acts_once_who_set_autostop_has_an_answer(wait_for: str, tmp_path: Path) -> None:
    database = tmp_path / "agent.db"
    db = connect(database)
    set_autostop(db, Autostop(0, down=False, wait_for=wait_for))
    assert decide_to_stop(db, 60.0) is None, "this process, which asked for it, still runs"
    assert due_at(db, 60.0) is not None, "the daemon looks again by itself"
    subprocess.run([sys.executable, "-c", SET, str(database), wait_for], check=True)
    assert decide_to_stop(db, 60.0) == Autostop(0, down=False, wait_for=wait_for)
