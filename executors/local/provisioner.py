"""Clusters on this machine: one folder each, with a marker file, a home, and the processes it started."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import socket
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from catalog.errors import UserError
from executors.agent import confinement, processes
from executors.agent.layout import Layout
from executors.api import ClusterView, Handle, NodeRequest, NodeState
from executors.errors import CleanupIncomplete, NotFound, Unsupported

_log = logging.getLogger("sky.executors.local")

ADDRESS = "127.0.0.1"
MARKER_NAME = "SKY_LOCAL_CLUSTER"
_RECORD = "cluster.json"
_STOPPED = "stopped"
_GRACE_S = 10.0
_CLUSTER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


def home_of(handle: Handle) -> Path:
    """Return the cluster's home."""
    return Path(handle.data["folder"]) / "home"


def marker_of(folder: str | Path) -> str:
    """Return the environment entry that every process of the cluster carries: its folder, which is unique."""
    return f"{MARKER_NAME}={folder}"


class LocalProvisioner:
    """Makes, describes and removes clusters below ``root``; the folders are the only record."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self, request: NodeRequest) -> Handle:
        """Make the cluster's folder, its marker first; one that is there already is returned, started."""
        if request.num_nodes != 1:
            raise Unsupported(f"this machine is one node; num_nodes: {request.num_nodes} needs a cloud")
        folder = self._folder(request.cluster_id)
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = not folder.exists()
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            record = folder / _RECORD
            if not record.exists():
                _write(record, _describe(request))
            (folder / "home" / "sky_workdir").mkdir(mode=0o755, parents=True, exist_ok=True)
            (folder / "home").chmod(0o700)
            (folder / _STOPPED).unlink(missing_ok=True)
        except BaseException:
            if new:
                _remove(folder)
            raise
        return self._handle(request.cluster_id)

    def describe(self, handle: Handle) -> ClusterView:
        """Say what is there: gone, stopped, made but without its agent (pending or degraded), or running."""
        return self._view(handle.cluster_id, self._folder_of(handle))

    def delete(self, handle: Handle) -> None:
        """End every process of the cluster and remove its folder, links in it not followed."""
        folder = self._folder_of(handle)
        if folder.is_symlink():
            raise CleanupIncomplete(f"{folder} is a link, not a cluster's folder; remove it by hand")
        _end_processes(folder)
        confinement.read(Layout(folder / "home")).forget()
        doomed = folder.with_name(f".{folder.name}.deleting")
        if folder.exists():
            _remove(doomed)
            folder.replace(doomed)
        _end_processes(folder)
        _remove(doomed)

    def list(self) -> Sequence[ClusterView]:
        """Return every cluster below the root, half-made ones too."""
        try:
            folders = sorted(path for path in self._root.iterdir() if path.is_dir() and not path.is_symlink())
        except FileNotFoundError:
            return []
        return [self._view(path.name, path) for path in folders if _CLUSTER_ID.fullmatch(path.name)]

    def stop(self, handle: Handle) -> None:
        """Mark the cluster stopped, then end every process of it; its home stays."""
        folder = self._folder_of(handle)
        if not (folder / _RECORD).exists():
            raise NotFound(f"cluster {handle.cluster_name} is gone: {folder} does not exist")
        _write(folder / _STOPPED, {"stopped_at": time.time(), "by": "user"})
        _end_processes(folder)

    def start(self, handle: Handle) -> Handle:
        """Take the stopped mark away."""
        folder = self._folder_of(handle)
        if not (folder / _RECORD).exists():
            raise NotFound(f"cluster {handle.cluster_name} is gone: {folder} does not exist")
        (folder / _STOPPED).unlink(missing_ok=True)
        return self._handle(handle.cluster_id)

    def self_commands(self, handle: Handle) -> Mapping[str, Sequence[str]]:
        """Return what the cluster's agent runs to stop or remove it; removal begins with one rename."""
        folder = handle.data["folder"]
        doomed = str(Path(folder).with_name(f".{Path(folder).name}.deleting"))
        stop = 'printf \'{"by": "autostop"}\\n\' > "$0"'
        return {
            "stop": ["/bin/sh", "-c", stop, str(Path(folder) / _STOPPED)],
            "down": [
                "/bin/sh",
                "-c",
                'cd / && rm -rf -- "$1" && mv -- "$0" "$1" && rm -rf -- "$1"',
                folder,
                doomed,
            ],
        }

    def agent_config(self, handle: Handle) -> Mapping[str, object]:
        """Return the agent's settings: the offer's capacity, the address, the marker, the self commands."""
        record = json.loads((Path(handle.data["folder"]) / _RECORD).read_text("utf-8"))
        return {
            "cluster_name": record["cluster_name"],
            "capacity": record["capacity"],
            "addresses": [ADDRESS],
            "marker": marker_of(handle.data["folder"]),
            "actions": self.self_commands(handle),
            "may_sudo": False,
        }

    def _folder(self, cluster_id: str) -> Path:
        if not _CLUSTER_ID.fullmatch(cluster_id):
            raise UserError(
                f"cluster id {cluster_id!r} must be letters, digits, '.', '_' and '-', at most 200"
            )
        return self._root / cluster_id

    def _folder_of(self, handle: Handle) -> Path:
        """Return the cluster's folder; a handle with no data yet is found by its cluster id."""
        return Path(handle.data["folder"]) if handle.data else self._folder(handle.cluster_id)

    def _handle(self, cluster_id: str) -> Handle:
        folder = self._folder(cluster_id)
        record = json.loads((folder / _RECORD).read_text("utf-8"))
        data = {"folder": str(folder), "python": sys.executable}
        return Handle("local", cluster_id, record["cluster_name"], data)

    def _view(self, cluster_id: str, folder: Path) -> ClusterView:
        created_at, stopped_at = _changed_at(folder / _RECORD), _changed_at(folder / _STOPPED)
        if not folder.exists():
            return ClusterView(cluster_id, NodeState.GONE)
        if not created_at:
            return ClusterView(cluster_id, NodeState.DEGRADED, reason="its making was interrupted")
        if stopped_at:
            return ClusterView(cluster_id, NodeState.STOPPED, created_at=created_at, since=stopped_at)
        state, reason = _running(folder / "home" / ".sky_agent")
        return ClusterView(cluster_id, state, (ADDRESS,), reason, created_at)


def _changed_at(path: Path) -> int:
    """Return when a file was written, in whole seconds since the epoch; 0 where there is none."""
    try:
        return int(path.stat().st_mtime)
    except OSError:
        return 0


def _running(state: Path) -> tuple[NodeState, str]:
    if not (state / "agent.db").exists():
        return NodeState.PENDING, "its agent was not started yet"
    return (NodeState.RUNNING, "") if _listens(state) else (NodeState.DEGRADED, "its agent does not run")


def _end_processes(folder: Path) -> None:
    marker = marker_of(folder)
    if not processes.end(lambda: processes.marked(marker), _GRACE_S):
        left = ", ".join(str(each.pid) for each in processes.marked(marker))
        raise CleanupIncomplete(f"processes of the cluster in {folder} do not end: {left}; kill them by hand")


def _describe(request: NodeRequest) -> dict[str, object]:
    offer = request.offer
    return {
        "schema": 1,
        "cluster_id": request.cluster_id,
        "cluster_name": request.cluster_name,
        "created_at": time.time(),
        "capacity": {
            "cpus_milli": offer.vcpus_milli,
            "memory_mib": offer.memory_mib,
            "accelerator": offer.key.accelerator,
            "accelerators": offer.key.accelerator_count_milli // 1000,
        },
    }


def _listens(state: Path) -> bool:
    """Return whether a process listens on the agent's socket, however long its path is."""
    try:
        folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        descriptors = Path("/proc/self/fd")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            probe.setblocking(False)
            probe.sendto(
                b"wake",
                f"{descriptors}/{folder}/agent.sock" if descriptors.exists() else str(state / "agent.sock"),
            )
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(folder)
    return True


def _write(path: Path, value: object) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value), "utf-8")
    temporary.replace(path)


def _remove(folder: Path) -> None:
    """Remove a folder and what is in it; folders that a job made read-only are opened first."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except PermissionError:
        for parent in (Path(name) for name, _, _ in os.walk(folder)):
            if not parent.stat().st_mode & stat.S_IWUSR:
                parent.chmod(0o700)
        _remove_again(folder)
    except OSError:
        _remove_again(folder)


def _remove_again(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise CleanupIncomplete(f"cannot remove {folder}: {error}; remove it by hand") from error
