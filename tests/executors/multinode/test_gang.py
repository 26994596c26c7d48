"""Jobs over several real hosts: started together, ended together, each rank in its place."""

from __future__ import annotations

import pytest

from executors.job import JobState
from tests.executors.multinode.conftest import Gang

pytestmark = [pytest.mark.needs("slurm")]


def test_every_rank_runs_on_its_own_host_and_knows_the_others(gang: Gang) -> None:
    script = 'echo "$SKYPILOT_NODE_RANK/$SKYPILOT_NUM_NODES $(hostname -I) $(echo $SKYPILOT_NODE_IPS)"; pwd'
    output, job = gang.run(script)
    ips = [host.ip for host in gang.machines]
    names = ["head", "worker1", "worker2"]
    expected = []
    for rank, (name, ip) in enumerate(zip(names, ips, strict=True)):
        prefix = f"({name}, rank={rank}, ip={ip})"
        expected += [f"{prefix} {rank}/3 {ip}  {' '.join(ips)}", f"{prefix} /home/dev/sky_workdir"]
    assert sorted(output.splitlines()) == sorted(expected)
    assert (job.state, job.exit_code) == (JobState.SUCCEEDED, 0)
