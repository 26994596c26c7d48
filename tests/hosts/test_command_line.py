"""``python -m tests.hosts``: hosts for a person, who may use another terminal for each command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hosts.command import environment

pytestmark = pytest.mark.needs("time")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Run one command with hosts of this test's own, and take them down after it."""

    def run(*argv: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "tests.hosts", *argv],
            cwd=ROOT,
            env={**environment(), "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    yield run
    run("down")


@pytest.mark.needs("ssh", "namespaces")
def test_a_person_can_play(hosts: Callable[..., str]) -> None:
    first = hosts("up", "2").splitlines()[0].removeprefix("h1: ")
    done = subprocess.run(
        ["sh", "-c", f"{first} hostname"], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stdout == "h1\n"
    assert hosts("crash", "h2") == ""
    assert [line.split()[2].rstrip(",") for line in hosts("ls").splitlines()] == ["on", "off"]
    assert hosts("boot", "h2") == ""
    assert hosts("ssh", "--user", "root", "h2", "whoami") == "root\n"
    assert "there are h1, h2" in hosts("kill", "h7")
    assert hosts("down") == ""
    assert "make some" in hosts("ls")


def test_the_help_says_what_each_command_does(hosts: Callable[..., str]) -> None:
    text = hosts("--help")
    assert "cut the power" in text
    assert "Example: up 3" in text
