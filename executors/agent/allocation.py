"""Nodes that a Slurm of others gave this cluster: the agent runs on the first, in a home that all share.

It stands in for our own Slurm (``slurm``) where jobs run on several nodes: they are steps of the job that
holds the nodes, and the agent itself keeps the queue.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, List, Sequence, Union

from .capacity import Demand
from .launch import ARCHIVE
from .layout import Config, Layout
from .slurm import Slurm, asked

DEVICES = "SKY_SLURM_DEVICES"
"""What Slurm calls the accelerators that it gave on a node; the profile of the cluster's home reads it."""

_RANK = f'{DEVICES}="${{CUDA_VISIBLE_DEVICES-}}" exec "$@"'


class Allocation:
    """The cluster's nodes, by their names in Slurm, head first."""

    def __init__(self, layout: Layout, config: Config, devices: Sequence[int] = ()) -> None:
        self._archive = layout.state / ARCHIVE
        self._home = layout.home
        self._nodes = config.allocation
        self._cpus = max(1, config.cpus_milli // 1000)
        self._devices = list(devices)
        self._holder = os.environ.get("SLURM_JOB_ID", "")

    def environment(self) -> Dict[str, str]:
        """Return the environment that Slurm's programs are run with: nothing of the step this runs in."""
        return {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SLURM_", "SBATCH_", "SRUN_")) or name == "SLURM_CONF"
        }

    def gang_argv(self, name: str, _demand: Demand, spec: Dict[str, Any]) -> List[str]:
        """Return the command that starts one rank on each of the job's nodes, beside whatever runs there."""
        nodes = int(spec.get("num_nodes", 1))
        return [
            *("srun", f"--jobid={self._holder}", f"--job-name={name}", "--overlap", "--mem=0"),
            *(f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1"),
            f"--cpus-per-task={self._cpus}",
            *(f"--nodelist={','.join(self._nodes[:nodes])}", f"--chdir={self._home}"),
            *("--label", "--kill-on-bad-exit=1", "/bin/sh", "-c", _RANK, "sh"),
            *(sys.executable, "-I", str(self._archive), "rank"),
        ]

    def cancel(self, name: str) -> None:
        """End the steps of that name; none is fine."""
        listed = self._ask(
            ["squeue", "--noheader", "--steps", f"--jobs={self._holder}", "--format=%i %j"]
        ).splitlines()
        for step, _, called in (line.strip().partition(" ") for line in listed):
            if called.strip() == name:
                self._ask(["scancel", step])

    def running(self, _name: str) -> bool:
        """Return true: the nodes are there before any job is."""
        return True

    def devices(self, _name: str) -> Dict[int, List[int]]:
        """Return node -> accelerators: the agent gave the job the same ones, by number, on each."""
        return dict.fromkeys(range(len(self._nodes)), self._devices)

    def down_nodes(self) -> List[int]:
        """Return the nodes that do not answer Slurm."""
        listed = ",".join(self._nodes)
        dead = self._ask(
            ["sinfo", "--noheader", "--dead", "--Node", f"--nodes={listed}", "--format=%N"]
        ).split()
        return [number for number, name in enumerate(self._nodes) if name in dead]

    def sealed(self, value: Any) -> bytes:
        """Return ``value`` as a line and an empty one; Slurm carries it as it carries every step's input."""
        return json.dumps(value).encode() + b"\n\n"

    def opened(self, lines: Sequence[bytes]) -> Any:
        """Return the value that ``sealed`` gave these lines for."""
        return json.loads(b"".join(lines))

    def node_of_this_rank(self) -> int:
        """Return which of the cluster's nodes a rank that Slurm started runs on."""
        return self._nodes.index(os.environ["SLURMD_NODENAME"])

    def _ask(self, argv: List[str]) -> str:
        return asked(argv, self.environment())


def nodes_of(layout: Layout, config: Config, devices: Sequence[int] = ()) -> Union[Slurm, Allocation]:
    """Return the Slurm that starts ranks here: that of others, or our own."""
    return Allocation(layout, config, devices) if config.allocation else Slurm(layout)
