"""Hosts without namespaces: what they can do, they really do, for a user that is not root."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.account import Account
from tests.hosts.command import environment
from tests.hosts.fixtures import TakeMachines
from tests.hosts.hosts import Hosts

pytestmark = pytest.mark.needs("time")

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def accounts() -> Iterator[Hosts]:
    with Hosts.create(kind="accounts") as made:
        yield made


@pytest.mark.needs("ssh", "rsync")
def test_each_has_a_home_of_its_own(accounts: Hosts, tmp_path: Path) -> None:
    one, two = accounts.up(2)
    assert one.ssh("pwd; echo ~; echo kept > note").stdout.split() == [str(one.home())] * 2
    assert two.ssh("ls -A").stdout == ""
    (tmp_path / "file").write_text("copied")
    *ssh, target = two.ssh_argv()
    subprocess.run(["rsync", "-e", " ".join(ssh), str(tmp_path / "file"), f"{target}:sub/"], check=True)
    assert two.run(["cat", "sub/file"]).stdout == "copied"
    batch = f"put {tmp_path / 'file'} second\n"
    options = [option for option in ssh[1:] if option not in {"-p", str(two.port)}]
    subprocess.run(
        ["sftp", "-q", "-P", str(two.port), "-b", "-", *options, target], input=batch, text=True, check=True
    )
    assert two.run(["cat", "second"]).stdout == "copied"


@pytest.mark.needs("ssh")
def test_a_killed_one_refuses_and_boots_with_its_home(accounts: Hosts) -> None:
    one, two = accounts.up(2)
    one.ssh("echo kept > note; setsid sleep 600 >/dev/null 2>&1 &")
    assert any("sleep" in process.argv for process in one.processes())
    one.kill()
    assert one.processes() == []
    assert "refused" in one.ssh("true").stderr
    assert two.ssh("true").returncode == 0
    one.boot()
    assert one.ssh("cat note").stdout == "kept\n"
    one.reset()
    assert one.ssh("ls -A").stdout == ""


@pytest.mark.needs("namespaces")
def test_a_user_that_is_not_root_has_them(machines: TakeMachines, tmp_path: Path) -> None:
    """The harness itself, run on a host by a user who can become nobody else."""
    (host,) = machines(1)
    with tarfile.open(tmp_path / "hosts.tar", "w") as tar:
        for path in sorted(HERE.iterdir()):
            if path.is_file():
                tar.add(path, f"tests/hosts/{path.name}")
    argv = [*host.ssh_argv(user="guest"), "tar -x"]
    with (tmp_path / "hosts.tar").open("rb") as tar_file:
        subprocess.run(argv, stdin=tar_file, env=environment(), check=True)

    def hosts(command: str) -> str:
        done = host.ssh(f"python3 -m tests.hosts {command}", user="guest")
        return done.stdout + done.stderr

    try:
        assert "guest@127.0.0.1" in hosts("up 2")
        who, where = hosts("ssh h2 'id -un; pwd'").split()
        assert who == "guest"
        assert where.endswith("/h2/home")
        assert hosts("kill h1") == ""
        assert "off" in hosts("ls").splitlines()[0]
        assert "only an account" in hosts("crash h2")
    finally:
        assert hosts("down") == ""
    assert [process.argv for process in host.processes() if "127.0.0.1" in " ".join(process.argv)] == []


def test_what_takes_more_is_named_as_not_run(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "test_machine.py")],
        cwd=ROOT,
        env={**os.environ, "SKY_TEST_HOSTS": "accounts"},
        capture_output=True,
        text=True,
        check=False,
    )
    name = "tests/hosts/test_machine.py::test_a_full_disk_takes_no_more"
    assert shown.returncode == 0, shown.stdout
    assert f"not run: {name}: namespaces: SKY_TEST_HOSTS=accounts" in shown.stdout


def test_every_verb_of_the_command_line_is_one_of_a_host() -> None:
    from tests.hosts.__main__ import HARM, MEASURED
    from tests.hosts.machine import Machine

    assert [verb for verb in (*HARM, *MEASURED) if not hasattr(Machine, verb)] == []
    assert {verb for verb in HARM if hasattr(Account, verb)} == {"kill", "boot", "reset"}
