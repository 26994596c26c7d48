"""The clock of a host jumps by hours, forward or back."""

from __future__ import annotations

import time

import pytest

import sky
from sky import core
from tests.executors.conftest import wait_until
from tests.executors.ssh.lab import LabHost
from tests.faults.conftest import (
    MakeSite,
    agent_settings,
    children_of,
    daemon_of,
    jobs,
    kill,
    machine,
    submit,
)

pytestmark = pytest.mark.needs("clock", "time")

HOURS_S = 3 * 3600


JUMPS = pytest.mark.parametrize("jump_s", [HOURS_S, -HOURS_S], ids=["forward", "back"])


def restart_by_wrong_clock(head: LabHost, jump_s: int) -> None:
    """Give the agent's daemon a wrong clock, while what is called from now on has the right one."""
    machine(head).set_clock(jump_s)
    daemon = daemon_of(head)
    for each in [*children_of(daemon), daemon]:
        if "agent" in " ".join(each.argv):
            kill(each)
    core.start("c", force=True)
    agent_settings(head, poll_s=0.1)
    machine(head).set_clock(0)


@JUMPS
def test_jump_neither_fires_autostop_early_nor_holds_it_up(site: MakeSite, jump_s: int) -> None:
    made = site(1)
    head = made.launch()
    restart_by_wrong_clock(head, jump_s)
    core.autostop("c", 1)
    time.sleep(1)  # ten polls of an agent for which hours lie between that call and now
    assert (head.home / ".sky_reservation").exists()
    agent_settings(head, seconds_per_idle_minute=0.5)
    wait_until(lambda: not (head.home / ".sky_reservation").exists())
    core.down("c")
    made.assert_nothing_left()


@JUMPS
def test_jump_loses_and_repeats_no_job(site: MakeSite, jump_s: int) -> None:
    head = site(1).launch()
    running = submit("touch began; until [ -e go ]; do sleep 0.02; done; echo first >> ran")
    waiting = submit("date +%s > date; echo second >> ran")
    wait_until((head.home / "sky_workdir/began").exists)
    restart_by_wrong_clock(head, jump_s)
    later = submit("echo third >> ran")
    (head.home / "sky_workdir/go").touch()
    wait_until(lambda: all(each.is_terminal() for each in jobs().values()))
    assert jobs() == dict.fromkeys((running, waiting, later), sky.JobStatus.SUCCEEDED)
    assert abs(int((head.home / "sky_workdir/date").read_text()) - time.time() - jump_s) < 600
    assert (head.home / "sky_workdir/ran").read_text().split() == ["first", "second", "third"]
    core.down("c")
