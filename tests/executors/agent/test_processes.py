"""Who is ended is who was found, and nobody who has the pid by then."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from executors.agent import processes
from executors.agent.processes import Identity


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"], env={"MARK": "of this test"}) as process:
        yield process
        process.kill()


def test_a_process_that_has_the_pid_of_one_that_ended_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    before = processes.identity(sleeper.pid)._replace(started="1")
    found = iter([[before], []])
    assert processes.end(lambda: next(found), 5)
    assert sleeper.poll() is None
    assert not processes.send(before, 15)


def test_what_is_found_by_its_mark_is_ended_with_its_identity(sleeper: subprocess.Popen[bytes]) -> None:
    marked: list[Identity] = processes.marked("MARK=of this test")
    assert marked == [processes.identity(sleeper.pid)]
    assert processes.end(lambda: processes.marked("MARK=of this test"), 5)
    assert sleeper.wait(10) == -15
