"""A Slurm of others from the command line: from `sky check` to `sky down`, and what is said on the way."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.integration.command import sky, statuses
from tests.slurm_site.site import Site

pytestmark = pytest.mark.needs("slurm", "time")


def test_partitions_serve_a_cluster_from_launch_to_down(slurm_site: Site, tmp_path: Path) -> None:
    checked = {each["infra"]: each for each in sky("check", "--json").json}["slurm"]
    assert checked["runs"] is True
    assert "site (cpu 2 of 2 nodes idle, gpu 2 of 2 nodes idle" in checked["detail"]
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "data").write_text("from the laptop\n")
    task = tmp_path / "task.yaml"
    task.write_text(
        f"name: t\nworkdir: {tmp_path}/work\nnum_nodes: 2\n"
        "resources:\n  infra: slurm/site/gpu\n  accelerators: A100:1\n"
        "setup: echo ready > ~/sky_workdir/setup\nrun: cat data setup; echo $CUDA_VISIBLE_DEVICES\n"
    )
    assert "slurm/site/gpu 002cpu-4gb-A100x1" in " ".join(sky("optimize", str(task)).out.split())
    launched = sky("launch", "-y", "-c", "hpc", str(task))
    lines = [line.partition(") ") for line in launched.out.splitlines()]
    assert sorted({head.split(",")[0] for head, _, _ in lines}) == ["(head", "(worker1"]
    assert sorted(text for _, _, text in lines) == sorted(2 * ["from the laptop", "ready", "0"])
    assert slurm_site.slurm("squeue", "-h", "-o", "%P %D %u").split() == ["gpu", "2", "dev"]
    assert sky("exec", "hpc", "exit 7", code=7).code == 7
    sky("stop", "-y", "hpc")
    assert slurm_site.slurm("squeue", "-h") == ""
    sky("start", "-y", "hpc")
    assert sky("exec", "hpc", "cat data").out == "from the laptop\n"
    assert sky("logs", "hpc", "3").out == "from the laptop\n"
    slurm_site.slurm("scancel", "-u", "dev")
    slurm_site.wait_for_nodes()
    assert "CANCELLED, it was cancelled; its files are kept" in sky("queue", "hpc", code=None).err
    refreshed = sky("status", "--refresh")
    assert "Slurm ended its job" in refreshed.err
    assert statuses() == {"hpc": "STOPPED"}
    sky("start", "-y", "hpc")
    sky("autostop", "-y", "hpc", "-i", "0", "--down")
    deadline = time.monotonic() + 60
    while statuses("--refresh"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert slurm_site.slurm("squeue", "-h", "--states=PD,R") == ""
    assert list((slurm_site.home / ".sky_slurm").iterdir()) == []


def test_what_no_partition_gives_is_said_with_its_limit(slurm_site: Site) -> None:
    wide = ("--infra", "slurm/site/single", "--num-nodes", "2", "-c", "wide", "true")
    refused = sky("launch", "-y", *wide, code=None)
    assert refused.code
    assert "slurm/site/single: partition single has 2 of them working" in refused.err
    assert "gives a job at most 1 (MaxNodes)" in refused.err
    assert statuses() == {}


def test_a_cluster_that_is_not_named_or_not_there_is_said(slurm_site: Site) -> None:
    unknown = sky("launch", "-y", "--infra", "slurm/sit", "-c", "x", "true", code=None)
    assert "slurm/sit" in unknown.err
    assert "site" in unknown.err
    slurm_site.login.partition()
    try:
        refused = sky("launch", "-y", "--infra", "slurm/site", "-c", "x", "true", code=None)
        assert refused.code
        assert "slurm/site is left out" in refused.err
    finally:
        slurm_site.login.heal()
