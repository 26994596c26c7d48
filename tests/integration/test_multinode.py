"""A cluster of several real hosts from the command line, from launch to down."""

from __future__ import annotations

import time

import pytest

from tests.architecture.source_tree import ROOT
from tests.executors.ssh.lab import Lab
from tests.integration.command import sky

pytestmark = pytest.mark.needs("ssh", "slurm", "time")

EXAMPLE = str(ROOT / "examples" / "multinode.yaml")


def test_the_example_runs_on_three_hosts_which_stop_start_and_go(lab: Lab) -> None:
    lab.up(3)
    launched = sky("launch", "-y", "-c", "trio", "--infra", "ssh/lab", EXAMPLE)
    said = sorted(line.split(") ")[1] for line in launched.out.splitlines())
    assert said == [f"rank {rank} of 3 brought {10**rank}, all together 111" for rank in range(3)]
    assert sky("exec", "trio", "--num-nodes", "2", "echo $SKYPILOT_NUM_NODES").out.count(") 2\n") == 2
    assert sky("exec", "trio", "--num-nodes", "1", "echo alone").out == "alone\n"
    failed = sky(
        "exec", "trio", "--num-nodes", "3", '[ "$SKYPILOT_NODE_RANK" != 2 ] || exit 9; sleep 300', code=9
    )
    assert failed.out.splitlines()[-1].startswith("sky: rank 2 (worker2, ")
    sky("stop", "-y", "trio")
    sky("start", "-y", "trio")
    assert sky("exec", "trio", "--num-nodes", "3", "echo back").out.count(") back\n") == 3
    sky("down", "-y", "trio")
    assert [host.left() for host in lab.hosts] == [[], [], []]
    for host in lab.hosts:
        assert "slurm" not in host.run("ps -e -o comm=")


def test_an_idle_cluster_of_several_hosts_takes_itself_down(lab: Lab) -> None:
    lab.up(2)
    sky("launch", "-y", "-c", "duo", "--infra", "ssh/lab", "--num-nodes", "2", "true")
    sky("autostop", "-y", "duo", "-i", "0", "--down")
    deadline = time.monotonic() + 60
    while any(host.left() for host in lab.hosts):
        assert time.monotonic() < deadline, [host.left() for host in lab.hosts]
        time.sleep(0.1)
