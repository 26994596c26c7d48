"""Where this node's jobs are confined: one tree of control groups for the cluster, a group in it for each.

Root makes the tree once a boot and gives it to the login user; from then on the agent needs no root. The tree
is made in the group that the agent was started in, or the nearest above it that may have groups in it, so
that limits which an administrator has set there hold for jobs, too.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from . import processes
from .capacity import Capacity, Demand
from .control_group import CONTROLLERS, FREEZER, V1, V2, ControlGroup, Limits
from .layout import Config, Layout, write_private

_log = logging.getLogger("sky.agent")

_RECORD = "confinement.json"
_JOB = "job-"
_UNITS = (".scope", ".service")
_SYSTEM_S = 10.0
_DELEGATE = """set -eu
user=$1 pid=$2
shift 2
while [ "$1" != -- ]; do
    echo +cpu +memory >"$1/cgroup.subtree_control"
    shift
done
shift
for tree in "$@"; do
    mkdir -p "$tree"
    if [ -n "$pid" ]; then
        mkdir -p "$tree/agent"
        echo "$pid" >"$tree/agent/cgroup.procs"
        echo +cpu +memory >"$tree/cgroup.subtree_control"
    fi
    chown -R "$user" "$tree"
done
"""
"""What root does: makes the trees and gives them away; in v2 the agent has to be in the tree to move jobs."""


def limits_of(spec: Dict[str, Any], demand: Demand, capacity: Capacity) -> Limits:
    """Return the limits of a job: what it asked for exactly, unless that is the whole node."""
    asked = spec.get("demand", {})
    cpus = asked.get("cpus_capped") and demand.cpus_milli < capacity.cpus_milli
    memory = asked.get("memory_capped") and demand.memory_mib < capacity.memory_mib
    return Limits(demand.cpus_milli, demand.cpus_milli if cpus else 0, demand.memory_mib if memory else 0)


def ran_out(group: Optional[ControlGroup], limits: Limits) -> str:
    """Return what is to be said when memory was used up in the group of a job; ``""`` when it was not."""
    if group is None or not group.out_of_memory():
        return ""
    whose = f"its {limits.memory_mib} MiB of memory were" if limits.memory_mib else "the node's memory was"
    return f"a process of this job was killed as {whose} used up; ask for more memory in its resources"


class _Place(NamedTuple):
    """Where the tree belongs: its folder for each controller, and the groups above that have to let it."""

    version: int
    folders: Dict[str, Path]
    above: List[Path]


class Confinement(NamedTuple):
    """What this node has: the tree, or the reason why it has none."""

    tree: Optional[ControlGroup]
    reason: str

    @contextlib.contextmanager
    def of_job(self, job_id: int, limits: Limits) -> Iterator[Optional[ControlGroup]]:
        """Hold a group of this process for the job over the block; ``None`` where it cannot be had."""
        group = self._made(job_id, limits)
        try:
            yield group
        finally:
            if group is not None:
                group.remove()

    def _made(self, job_id: int, limits: Limits) -> Optional[ControlGroup]:
        if self.tree is None:
            return None
        me = processes.identity()
        group = self.tree.child(f"{_JOB}{job_id}.{me.pid}.{me.started}")
        try:
            group.make()
            group.limit(limits)
        except OSError:
            _log.exception("job %d runs without a control group", job_id)
            group.remove()
            return None
        return group

    def complaint(self, limits: Limits) -> str:
        """Return what is to be said of a job without a group; ``""`` for one without limits."""
        reason = self.reason or "its control group could not be made; see ~/.sky_agent/agent.log"
        return f"this job is not confined to its {limits}: {reason}" if str(limits) else ""

    def sweep(self, grace_s: float) -> None:
        """End what is left of jobs whose runner or rank is dead, and remove their groups."""
        boot = processes.boot_id()
        for group in self.tree.children(_JOB) if self.tree is not None else ():
            pid, started = group.name.split(".")[1:]
            if not processes.alive(processes.Identity(int(pid), started, boot)):
                processes.end(group.members, grace_s, group.kill)
                group.remove()

    def forget(self) -> None:
        """Remove the tree, where this process may: root; an empty one of others stays until the next boot."""
        if self.tree is not None:
            self.tree.remove()


def read(layout: Layout) -> Confinement:
    """Return what ``prepare`` found or made since the node was started."""
    try:
        record = json.loads((layout.state / _RECORD).read_text("utf-8"))
    except FileNotFoundError:
        return Confinement(None, "the agent has not looked for control groups yet")
    if record["boot"] != processes.boot_id():
        return Confinement(None, "the node was started anew; start the agent")
    if record["reason"]:
        return Confinement(None, record["reason"])
    folders = {controller: Path(folder) for controller, folder in record["folders"].items()}
    return Confinement(ControlGroup(record["version"], folders), "")


def of_this_process(layout: Layout) -> Confinement:
    """Return the same for a process that is to put jobs there: in v2 it has to be root or in the tree."""
    found = read(layout)
    if found.tree is None or found.tree.version == V1 or os.getuid() == 0:
        return found
    if found.tree.name in _own_groups().get("", "").split("/"):
        return found
    return Confinement(None, "the agent was started outside of its control group; stop and start the cluster")


def prepare(layout: Layout, config: Config) -> None:
    """See to it that there is a tree for jobs that this process starts, or a reason on record why not.

    Idempotent. It takes root, or ``sudo -n`` where the node's settings allow that; nothing is raised.
    """
    before = of_this_process(layout)
    if before.tree is not None and all(os.access(str(folder), os.W_OK) for folder in before.tree.folders):
        return
    version, folders, reason = 0, {}, ""  # type: int, Dict[str, str], str
    try:
        place = _place(f"sky-{hashlib.sha256(str(layout.state).encode()).hexdigest()[:12]}")
        if config.allocation:
            reason = "the Slurm that gave the nodes sees to it"
        elif place is None:
            reason = "the node has no control groups of CPU and memory that groups can be made in"
        else:
            version = place.version
            folders = {controller: str(folder) for controller, folder in place.folders.items()}
            reason = _delegate(place, may_sudo=config.may_sudo)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = f"control groups cannot be made: {error}"
    record = {"boot": processes.boot_id(), "version": version, "folders": folders, "reason": reason}
    write_private(layout.state / _RECORD, json.dumps(record))


def _delegate(place: _Place, *, may_sudo: bool) -> str:
    """Have root make the tree; return why that was not possible."""
    if os.getuid() and not may_sudo:
        return "its user is not root"
    pid = str(os.getpid()) if place.version == V2 else ""
    trees = list(dict.fromkeys(map(str, place.folders.values())))
    argv = ["sh", "-s", str(os.getuid()), pid, *map(str, place.above), "--", *trees]
    try:
        done = subprocess.run(
            argv if os.getuid() == 0 else ["sudo", "-n", *argv],
            input=_DELEGATE.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_SYSTEM_S,
            check=False,
        )
    except FileNotFoundError:
        return "its user is not root and has no sudo"
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
    return f"making control groups as root failed: {said[0]}"


def _place(name: str) -> Optional[_Place]:
    """Return where the tree of that name belongs; ``None`` where this kernel or container allows none."""
    mounts, own = _mounts(), _own_groups()
    if all(controller in mounts and controller in own for controller in CONTROLLERS):
        used = [each for each in (*CONTROLLERS, FREEZER) if each in mounts and each in own]
        homes = {each: home_v1(_folder(mounts[each], own[each], name), mounts[each].point) for each in used}
        return _Place(V1, {each: home / name for each, home in homes.items()}, [])
    if "" not in mounts or "" not in own:
        return None
    top = mounts[""].point
    if not set(CONTROLLERS) <= set((top / "cgroup.controllers").read_text("ascii").split()):
        return None
    home = home_v2(_folder(mounts[""], own[""], name), top)
    if home is None:
        return None
    above = [folder for folder in (home, *home.parents) if top in (folder, *folder.parents)]
    return _Place(V2, dict.fromkeys(CONTROLLERS, home / name), above[::-1])


def home_v1(own: Path, top: Path) -> Path:
    """Return the group to make the tree in: our own, or that above when systemd tends it as a unit's."""
    while own != top and own.suffix in _UNITS:
        own = own.parent
    return own


def home_v2(own: Path, top: Path) -> Optional[Path]:
    """Return the nearest group that may hand controllers on: the kernel's root, or one without processes."""
    while True:
        root = not (own / "cgroup.type").exists()
        if root or (own.suffix not in _UNITS and not (own / "cgroup.procs").read_text("ascii").strip()):
            return own
        if own == top:
            return None
        own = own.parent


class _Mount(NamedTuple):
    """Where a hierarchy is mounted, and which of its groups is to be seen there."""

    point: Path
    root: str


def _mounts() -> Dict[str, _Mount]:
    """Return controller (``""`` for v2) -> where its hierarchy is mounted."""
    found: Dict[str, _Mount] = {}
    for line in _lines("/proc/self/mountinfo"):
        mount, _, system = line.partition(" - ")
        root, point = mount.split(" ")[3:5]
        kind, _, options = system.split(" ")[:3]
        for controller in {"cgroup": options.split(","), "cgroup2": [""]}.get(kind, ()):
            found.setdefault(controller, _Mount(Path(point), root))
    return found


def _own_groups() -> Dict[str, str]:
    """Return controller (``""`` for v2) -> the group that this process is in."""
    parts = (line.split(":", 2) for line in _lines("/proc/self/cgroup"))
    return {controller: group for _, controllers, group in parts for controller in controllers.split(",")}


def _folder(mount: _Mount, group: str, tree: str) -> Path:
    """Return the folder of a group, of what is above ``tree`` when it is in that already."""
    relative = os.path.relpath(group.partition(f"/{tree}")[0] or "/", mount.root)
    return mount.point if relative == "." or relative.startswith("..") else mount.point / relative


def _lines(path: str) -> List[str]:
    return Path(path).read_text("utf-8", "surrogateescape").splitlines()
