"""docs/adding_an_executor.md to the letter: its package runs tasks and passes the conformance suite."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clouds.acme import page
from tests.clouds.acme.server import TOKEN
from tests.conformance.outside import PLACE
from tests.hosts.hosts import Hosts
from tests.integration.command import sky, statuses

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.needs("namespaces")


@pytest.fixture
def acme(cloud_hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Acme, and the page's package installed for commands."""
    page.install(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{tmp_path / 'site'}")
    argv = [sys.executable, "-m", "tests.clouds.acme.server", str(cloud_hosts.folder)]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        monkeypatch.setenv("ACME_URL", server.stdout.readline().strip())
        monkeypatch.setenv("ACME_TOKEN", TOKEN)
        yield
        server.stdin.close()
        server.wait()
    for host in cloud_hosts.hosts:
        host.remove()


def test_a_task_runs_on_the_clouds_machines(acme: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sky("catalog", "refresh", "--cloud", "acme")
    (row,) = sky("check", "acme", "--json").json
    assert (row["runs"], row["plans"], row["identity"]) == (True, True, "acme-1")
    place = ("--infra", "acme/south", "--cpus", "2")
    assert sky("launch", "-y", "-c", "dev", *place, "echo ran").out == "ran\n"
    sky("stop", "-y", "dev")
    assert statuses("--refresh") == {"dev": "STOPPED"}
    sky("down", "-y", "dev")
    refused = sky("launch", "-y", "--infra", "acme", "-t", "large", "true", code=100)
    assert [line.split()[:1] for line in refused.err.splitlines() if "no capacity" in line][-2:] == [
        ["acme/north"],
        ["acme/south"],
    ]
    undeclared = sky("launch", "-y", "--infra", "acme", "--use-spot", "true", code=None)
    assert "use_spot: acme does not support it" in undeclared.err
    sky("gc")
    monkeypatch.setenv("ACME_TOKEN", "another")
    (row,) = sky("check", "acme", "--json", code=1).json
    assert "set ACME_TOKEN" in row["detail"]


CHEAP = "creating_twice or described_from_creation or found_and_removed_by_its_id or takes_itself_down"


@pytest.mark.parametrize("chosen", [CHEAP, pytest.param("", marks=pytest.mark.needs("time"))])
def test_it_passes_the_conformance_suite(acme: None, chosen: str) -> None:
    only = f"acme and ({chosen})" if chosen else "acme"
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/conformance", "-k", only]
    env = {**os.environ, PLACE: "acme.conformance:place"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5_000:]
    told = re.findall(r"-k acme +# (\d+) tests", page.PAGE.read_text("utf-8"))
    assert re.findall(r"(\d+) passed", done.stdout) == (["4"] if chosen else told)
