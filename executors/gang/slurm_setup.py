"""The texts that configure a cluster's own Slurm, the same on every node."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from executors.agent.slurm import CPU_MILLI, NODE

CONTROLLER_PORT = 17_817
NODE_PORT = 17_818
"""Ports of the cluster's own Slurm, apart from 6817 and 6818, where another one may listen."""

NODE_LOST_S = 10
"""After so many seconds without an answer a node counts as lost."""

KILL_WAIT_S = 20
"""How long a rank that was told to end may take, before Slurm kills it."""

_NO_CGROUPS_SINCE = (23, 11)
"""Slurm's version from which it can do without control groups; before, v1 is named and never touched."""


@dataclass(frozen=True, slots=True)
class GangShape:
    """What Slurm is told of a cluster: its nodes' addresses in rank order, and what each of them has.

    ``folder`` is where its files are on every node, ``hostname`` the head's own name, ``version`` Slurm's.
    """

    addresses: Sequence[str]
    cpus_milli: int
    memory_mib: int
    accelerators: int
    folder: str
    user: str
    hostname: str
    version: str


def files(shape: GangShape) -> dict[str, str]:
    """Return name -> text of the files below ``shape.folder``."""
    return {
        "slurm.conf": _slurm_conf(shape),
        "gres.conf": _gres_conf(shape),
        "cgroup.conf": _cgroup_conf(shape.version),
    }


def digest_of(texts: Mapping[str, str]) -> str:
    """Return what tells these texts from others."""
    whole = "\0".join(f"{name}\0{text}" for name, text in sorted(texts.items()))
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def applied_digest(texts: Mapping[str, str], key: str) -> str:
    """Return the mark of a node that has these texts and this key; it gives nothing of the key away."""
    return f"{digest_of(texts)}-{hashlib.sha256(f'sky gang {key}'.encode()).hexdigest()[:16]}"


def _slurm_conf(shape: GangShape) -> str:
    folder = shape.folder
    gres = f"gpu:{shape.accelerators},shard:{1000 * shape.accelerators}" if shape.accelerators else ""
    options = {
        "ClusterName": "sky",
        "SlurmctldHost": f"{shape.hostname}({shape.addresses[0]})",
        "SlurmUser": shape.user,
        "SlurmdUser": shape.user,
        "SlurmctldPort": CONTROLLER_PORT,
        "SlurmdPort": NODE_PORT,
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={folder}/munge.sock",
        "CredType": "cred/munge",
        "SlurmctldPidFile": f"{folder}/slurmctld.pid",
        "SlurmdPidFile": f"{folder}/slurmd.pid",
        "SlurmctldLogFile": f"{folder}/slurmctld.log",
        "SlurmdLogFile": f"{folder}/slurmd.log",
        "SlurmdSpoolDir": f"{folder}/spool",
        "StateSaveLocation": f"{folder}/state",
        "SlurmdParameters": "config_overrides",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "SwitchType": "switch/none",
        "MpiDefault": "none",
        "JobAcctGatherType": "jobacct_gather/none",
        "AccountingStorageType": "accounting_storage/none",
        "JobCompType": "jobcomp/none",
        "SchedulerType": "sched/backfill",
        "SchedulerParameters": "sched_min_interval=0,bf_interval=1",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "PriorityType": "priority/basic",
        "ReturnToService": 2,
        "SlurmdTimeout": NODE_LOST_S,
        "KillWait": KILL_WAIT_S,
        "MinJobAge": 300,
        "InactiveLimit": 0,
    }
    if gres:
        options["GresTypes"] = "gpu,shard"
    cpus = shape.cpus_milli // CPU_MILLI
    what = f"Sockets=1 CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory={shape.memory_mib}"
    lines = [f"{name}={value}" for name, value in options.items()]
    lines += [
        f"NodeName={NODE}{rank} NodeAddr={address} {what}" + (f" Gres={gres}" if gres else "")
        for rank, address in enumerate(shape.addresses)
    ]
    lines.append("PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO")
    return "\n".join(lines) + "\n"


def _gres_conf(shape: GangShape) -> str:
    """Return the accelerators, each one file of ours: Slurm only counts them, and says which were given."""
    if not shape.accelerators:
        return ""
    last = shape.accelerators - 1
    numbers = f"[0-{last}]" if last else "0"
    return f"Name=gpu File={shape.folder}/devices/{numbers}\nName=shard Count={1000 * shape.accelerators}\n"


def _cgroup_conf(version: str) -> str:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers >= _NO_CGROUPS_SINCE:
        return "CgroupPlugin=disabled\n"
    return "CgroupPlugin=cgroup/v1\n" if numbers >= (22, 5) else ""
