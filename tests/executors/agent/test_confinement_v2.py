"""Confinement on a kernel that has control groups of version 2 alone."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from executors.agent_archive import agent_archive
from executors.job import Demand
from tests.executors.conftest import spec
from tests.hosts import kernel

pytestmark = pytest.mark.needs("kernel", "time")

TESTS = Path(__file__).with_name("test_confinement.py")
PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
USER = "games"
AS_USER = """
mount --bind sudoers /etc/sudoers
mount -t tmpfs -o mode=755 tmp /mnt
cp -r home/. /mnt
chown -R {user} /mnt
exec setpriv --reuid {user} --regid {user} --clear-groups env HOME=/mnt sh user.sh
"""
USER_SCRIPT = """
cd
agent() { /usr/bin/python3 -I .sky_agent/agent.pyz "$@"; }
echo '{"cancel_grace_s": 0.3}' | /usr/bin/python3 -I .sky_agent/agent-1.pyz install
echo '{}' | agent start
agent submit <specs.json
agent tail 1 --follow
agent tail 2 --follow
kill -0 "$(cat hidden)" && echo "what hid is there"
cat .sky_agent/confinement.json
agent stop
"""
HIDE = """( setsid sh -c 'echo $$ > ~/hidden; exec sleep 300' <&- >&- 2>&- & )
until [ -s ~/hidden ]; do sleep 0.02; done; echo hid
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_jobs_are_confined_as_by_version_1(folder: Path) -> None:
    root = TESTS.parents[3]
    wanted = "more_than_its_memory or no_more or hides or ever_new"
    options = ("-q", "-p", "no:cacheprovider", f"--rootdir={root}", "-k", wanted)
    argv = [sys.executable, "-m", "pytest", *options, str(TESTS)]
    env = [f"PYTHONPATH={root}", PATH, f"HOME={folder}", "PYTHONDONTWRITEBYTECODE=1"]
    code, output = kernel.in_another(argv, folder, env)
    assert code == 0, output
    assert "4 passed" in output


def test_a_user_who_may_sudo_is_given_a_tree_once_and_needs_no_root_for_jobs(folder: Path) -> None:
    state = folder / "home" / ".sky_agent"
    state.mkdir(parents=True)
    shutil.copy(agent_archive(), state / "agent-1.pyz")
    capped = Demand(cpus_milli=100, memory_mib=64, cpus_capped=True, memory_capped=True)
    greedy = "exec /usr/bin/python3 -c 'bytearray(256 << 20)'"
    specs = [spec(HIDE, run_timestamp="hides"), spec(greedy, run_timestamp="greedy", demand=capped)]
    (folder / "home" / "specs.json").write_text(json.dumps([asdict(each) for each in specs]))
    (folder / "sudoers").write_text(f"{USER} ALL=(ALL) NOPASSWD:ALL\n")
    (folder / "sudoers").chmod(0o440)
    (folder / "user.sh").write_text(USER_SCRIPT)
    code, output = kernel.in_another(["sh", "-ec", AS_USER.format(user=USER)], folder, [PATH])
    assert code == 0, output
    assert output.count('"not_confined": ""') == 2, output
    assert '"version": 2' in output
    assert '"reason": ""' in output, output
    assert "hid\n" in output
    assert "what hid is there" not in output
    assert "64 MiB of memory were used up" in output
