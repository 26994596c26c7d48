"""Our Slurm on a node: where it lives, how jobs are handed to it, and what it says of them.

It is one of its own, below ``~/.sky_agent/slurm``: its configuration, key, socket and ports are not those of
a Slurm that the machine may have besides, and its daemons run as the login user.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any, Dict, List, Sequence

from .capacity import Demand
from .layout import Layout

NODE = "sky-"
"""A node's name in Slurm is this and its rank in the cluster."""

CPU_MILLI = 100
"""Slurm counts whole CPUs, so that one of its CPUs is a tenth of a vCPU."""

REFUSALS = ("configuration is not available", "can not be satisfied", "Exited with exit code", "Invalid")
"""What Slurm says of a job that it will never start."""

_QUERY_TIMEOUT_S = 30.0
_SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin")
_BASE_PRIORITY = 1_000_000
_GRACE_MINUTES = 5
_PIECE = 1 << 19  # munge takes a megabyte at most
_RANGES = re.compile(re.escape(NODE) + r"(?:\[([\d,-]+)\]|(\d+))")
_GRANT = re.compile(r"Nodes=(\S+) [^=]*=\S* Mem=\d+ GRES=(?:gpu|shard):\d+\(IDX:([\d,-]+)\)")


class Slurm:
    """The Slurm of one node, seen by its clients."""

    def __init__(self, layout: Layout) -> None:
        self.folder = layout.state / "slurm"
        self.config = self.folder / "slurm.conf"
        self.socket = self.folder / "munge.sock"
        self.rank_script = self.folder / "rank.sh"

    def configured(self) -> bool:
        """Return whether this node belongs to a cluster of several."""
        return self.config.exists()

    def environment(self) -> Dict[str, str]:
        """Return the environment that Slurm's programs are run with."""
        path = os.pathsep.join([os.environ.get("PATH") or os.defpath, *_SBIN])
        own = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH"))}
        return {**own, "PATH": path, "SLURM_CONF": str(self.config)}

    def gang_argv(self, name: str, demand: Demand, spec: Dict[str, Any]) -> List[str]:
        """Return the command that starts one rank on each node of the job, all of them or none."""
        nodes = int(spec.get("num_nodes", 1))
        limit_s = spec.get("max_duration_s")
        words = [
            f"--job-name={name}",
            f"--nodes={nodes}",
            f"--ntasks={nodes}",
            "--ntasks-per-node=1",
            "--label",
            "--kill-on-bad-exit=1",
            f"--cpus-per-task={max(1, -(-demand.cpus_milli // CPU_MILLI))}",
            f"--mem={max(1, demand.memory_mib)}",
            f"--priority={_BASE_PRIORITY + int(spec.get('priority', 0))}",
        ]
        if 0 < demand.accelerators_milli < 1000:
            words.append(f"--gres=shard:{demand.accelerators_milli}")
        elif demand.accelerators_milli:
            words.append(f"--gres=gpu:{demand.accelerators_milli // 1000}")
        if limit_s:
            words.append(f"--time={-(-int(limit_s) // 60) + _GRACE_MINUTES}")
        if spec.get("pinned"):
            words.append(f"--nodelist={NODE}[0-{nodes - 1}]")
        return ["srun", *words, "/bin/sh", str(self.rank_script)]

    def everywhere_else_argv(self, nodes: int, argv: Sequence[str]) -> List[str]:
        """Return the command that starts ``argv`` on every node but the head, and leaves it running there."""
        others = f"{NODE}[1-{nodes - 1}]"
        detached = 'setsid nohup "$@" >/dev/null 2>&1 </dev/null & sleep 0.2'
        return [
            *("srun", f"--nodes={nodes - 1}", "--ntasks-per-node=1", f"--nodelist={others}", "--mem=1"),
            *("--immediate=30", "/bin/sh", "-c", detached, "sh", *argv),
        ]

    def cancel(self, name: str) -> None:
        """End what Slurm runs or holds under that name; nothing is fine."""
        self._ask(["scancel", f"--name={name}"])

    def devices(self, name: str) -> Dict[int, List[int]]:
        """Return node -> the accelerators on it that the running job of that name was given."""
        job_id = self._ask(["squeue", "--noheader", f"--name={name}", "--states=R", "--format=%i"]).split()
        text = self._ask(["scontrol", "--details", "--oneliner", "show", "job", job_id[0]]) if job_id else ""
        return granted(text)

    def running(self, name: str) -> bool:
        """Return whether Slurm has given the job of that name its nodes."""
        return bool(
            self._ask(["squeue", "--noheader", f"--name={name}", "--states=R", "--format=%i"]).strip()
        )

    def ready_nodes(self) -> List[int]:
        """Return the nodes that can take jobs."""
        words = ["sinfo", "--noheader", "--responding", "--states=idle,alloc,mix,comp", "--format=%N"]
        return nodes_in(self._ask(words))

    def down_nodes(self) -> List[int]:
        """Return the nodes that do not answer Slurm."""
        return nodes_in(self._ask(["sinfo", "--noheader", "--dead", "--format=%N"]))

    def sealed(self, value: Any) -> bytes:
        """Return ``value`` as lines that only this cluster's nodes can read, an empty one at their end."""
        text = json.dumps(value).encode()
        pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
        return b"".join(self._munge(["munge"], piece).strip() + b"\n" for piece in pieces) + b"\n"

    def opened(self, lines: Sequence[bytes]) -> Any:
        """Return the value that ``sealed`` gave these lines for."""
        argv = ["unmunge", f"--metadata={os.devnull}"]
        return json.loads(b"".join(self._munge(argv, line) for line in lines))

    def node_of_this_rank(self) -> int:
        """Return which of the cluster's nodes a rank that Slurm started runs on."""
        return int(os.environ["SLURMD_NODENAME"][len(NODE) :])

    def _munge(self, argv: List[str], data: bytes) -> bytes:
        done = subprocess.run(
            [*argv, f"--socket={self.socket}"],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(),
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{argv[0]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def _ask(self, argv: List[str]) -> str:
        return asked(argv, self.environment())


def asked(argv: List[str], environment: Dict[str, str]) -> str:
    """Return what a client of Slurm prints; nothing when Slurm does not answer."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=_QUERY_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")


def nodes_in(text: str) -> List[int]:
    """Return the nodes that Slurm names as ``sky-3`` or ``sky-[0,2-4]``, sorted."""
    found = set()
    for listed, single in _RANGES.findall(text):
        found |= _numbers(listed or single)
    return sorted(found)


def granted(text: str) -> Dict[int, List[int]]:
    """Return node -> accelerators from what ``scontrol --details show job`` prints."""
    return {
        node: sorted(_numbers(indices)) for names, indices in _GRANT.findall(text) for node in nodes_in(names)
    }


def _numbers(ranges: str) -> "set[int]":
    found = set()
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found
