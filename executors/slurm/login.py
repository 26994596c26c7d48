"""What is asked of a login node over its transport: Slurm's own commands, and the steps of ``login.sh``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from catalog.errors import ExecutorError
from executors.api import Completed, Transport
from executors.errors import AgentUnreachable, CleanupIncomplete, NotFound, Transient
from executors.sync.remote import RemotePath

BASE = ".sky_slurm"
"""The folder of all clusters, below the home."""

_FOLDER = Path(__file__).parent
_FIND = 'command -v squeue >/dev/null 2>&1 || . /etc/profile >/dev/null 2>&1; exec "$@"'
_DOWN = """\
cd / && mv -- "$1" "$2" && rm -rf -- "$2"
rm -f -- "$3"
rmdir -- "${3%/*}" "${3%/*/*}" 2>/dev/null
scancel "$SLURM_JOB_ID"
"""
_NO_CLUSTER, _INCOMPLETE, _REFUSED = 3, 4, 5
_BUSY = re.compile(r"Unable to contact slurm controller|Socket timed out|Connection refused|temporarily")
_FIELD = re.compile(r"(?:^|\s)(\w[\w/:]*)=(\S*)")


class SlurmRefused(ExecutorError):
    """Slurm does not take the job; the message is its own."""


@dataclass(frozen=True, slots=True)
class ClusterLook:
    """How a cluster is at its login node: its folder (``""`` without one), its record, its holder.

    ``job`` holds what scontrol says of the holder, by field, and nothing where there was none.
    """

    cluster_id: str
    folder: str = ""
    record: str = ""
    stopped: bool = False
    agent: bool = False
    job: Mapping[str, str] = field(default_factory=dict)

    @property
    def job_id(self) -> str:
        """The holder's number in Slurm."""
        return self.job.get("JobId", "")

    @property
    def state(self) -> str:
        """The holder's state in Slurm's words, ``""`` where there was none."""
        return self.job.get("JobState", "").split(" ")[0]

    @property
    def reason(self) -> str:
        """Why it is in that state, in Slurm's word, ``""`` where Slurm gives none."""
        reason = self.job.get("Reason", "")
        return "" if reason in {"None", "(null)"} else reason


@dataclass(frozen=True, slots=True)
class HolderNode:
    """One node of the holder: its name in Slurm, and its address among the nodes."""

    name: str
    ip: str


def slurm(transport: Transport, *argv: str, timeout_s: float | None = None) -> Completed:
    """Run a command of Slurm."""
    return transport.run(wrapped(argv), timeout_s=timeout_s)


def wrapped(argv: Sequence[str]) -> list[str]:
    """Return ``argv`` so that Slurm's commands are found where only a login shell has them."""
    return ["sh", "-c", _FIND, "sh", *argv]


def look(transport: Transport, cluster_id: str, timeout_s: float | None = None) -> ClusterLook:
    """Return how the cluster is."""
    return _parse(cluster_id, _run(transport, "look", cluster_id, timeout_s=timeout_s).stdout)


def look_at_all(transport: Transport) -> list[ClusterLook]:
    """Return how every cluster of ours is."""
    parts = re.split(r"^cluster ", _run(transport, "list").stdout, flags=re.MULTILINE)[1:]
    return [_parse(name, text) for name, _, text in (part.partition("\n") for part in parts)]


def make(transport: Transport, cluster_id: str, record: str) -> None:
    """Make the cluster's folder, or take back that it was stopped."""
    _run(transport, "make", cluster_id, record, _script("holder.sh"), _script("profile.sh"))


def submit(transport: Transport, cluster_id: str, options: Sequence[str]) -> ClusterLook:
    """Queue the holder, unless there is one. Raises ``SlurmRefused``."""
    return _parse(cluster_id, _run(transport, "submit", cluster_id, *options).stdout)


def nodes(transport: Transport, cluster_id: str, job_id: str) -> tuple[list[HolderNode], str]:
    """Return the nodes of the running holder, head first, and the Python on the head (``""``: none)."""
    found, python = [], ""
    for line in _run(transport, "nodes", cluster_id, job_id).stdout.splitlines():
        name, _, value = line.partition(" ")
        if name == "node":
            host, _, ip = value.partition(" ")
            found.append(HolderNode(host, ip))
        elif name == "python":
            python = value.removeprefix("none")
    return found, python


def release(transport: Transport, cluster_id: str) -> None:
    """Give the nodes back and wait until they are; the folder stays. Raises ``NotFound`` without one."""
    _run(transport, "release", cluster_id)


def remove(transport: Transport, cluster_id: str) -> None:
    """Give the nodes back and remove the folder. Raises ``CleanupIncomplete``."""
    _run(transport, "remove", cluster_id, _memory(cluster_id))


def self_commands(folder: str) -> Mapping[str, Sequence[str]]:
    """Return what the head itself runs, its jobs ended, to give the cluster's nodes back, or to remove it."""
    stop = 'echo autostop >"$1/stopped" && scancel "$SLURM_JOB_ID"'
    base, _, cluster_id = folder.rpartition("/")
    doomed, remembered = f"{base}/.{cluster_id}.deleting.0", f"{base.removesuffix(BASE)}{_memory(cluster_id)}"
    return {
        "stop": ["/bin/sh", "-c", stop, "sh", folder],
        "down": ["/bin/sh", "-c", _DOWN, "sh", folder, doomed, remembered],
    }


def _memory(cluster_id: str) -> str:
    """Return where the home remembers what copies brought to the cluster's workdir."""
    return RemotePath.of(f"{BASE}/{cluster_id}/home/sky_workdir").memory


@cache
def _script(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _parse(cluster_id: str, text: str) -> ClusterLook:
    said = dict(line.partition(" ")[::2] for line in text.splitlines())
    return ClusterLook(
        cluster_id,
        folder=said.get("folder", ""),
        record=said.get("record", ""),
        stopped="stopped" in said,
        agent="agent" in said,
        job=dict(_FIELD.findall(said.get("job", ""))),
    )


def _run(transport: Transport, verb: str, *words: str, timeout_s: float | None = None) -> Completed:
    argv = ["sh", "-s", "--", verb, *words]
    done = transport.run(argv, stdin=_script("login.sh").encode(), timeout_s=timeout_s)
    if not done.returncode:
        return done
    said = (done.stderr.strip() or done.stdout.strip())[-500:]
    if done.returncode == _NO_CLUSTER:
        raise NotFound(said)
    if done.returncode == _INCOMPLETE:
        raise CleanupIncomplete(said)
    if _BUSY.search(said):
        raise Transient(f"Slurm does not answer there: {said}")
    if done.returncode == _REFUSED:
        raise SlurmRefused(said)
    raise AgentUnreachable(f"{verb} failed on the login node (exit code {done.returncode}): {said}")
