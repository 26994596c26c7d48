"""Clusters on Slurm: a folder in the home there, and a standing job that holds the nodes."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from catalog.errors import SkyError, UserError
from executors.api import ClusterView, Handle, NodeRequest, NodeState, Transport
from executors.errors import AuthError, CleanupIncomplete, NotFound, OutOfCapacity, Unsupported
from executors.slurm import clusters, holder, login
from executors.slurm.clusters import SlurmCluster
from executors.slurm.login import ClusterLook, SlurmRefused
from executors.slurm.order import REFUSAL_TTL_S, Order
from executors.slurm.share import CLOUD
from executors.slurm.turn import await_turn, give_up
from executors.transports import ssh
from executors.transports.address import Address, parse_nodes, write_nodes
from executors.transports.ssh import ask

_log = logging.getLogger("sky.executors.slurm")

MARKER = "SKY_SLURM_CLUSTER"
_LOOK_S = 8.0
_CLUSTER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
_ACCOUNT = re.compile(r"(?i)invalid (account|qos)|account/partition|not allowed to use|accountnotallowed")


def login_of(handle: Handle) -> Address:
    """Return how the cluster's login node is reached. Raises ``NotFound`` for an interrupted creation."""
    if "login" not in handle.data:
        raise NotFound(f"cluster {handle.cluster_name} has no nodes yet")
    return Address.from_dict(json.loads(handle.data["login"]))


def hosts_of(handle: Handle) -> list[Address]:
    """Return the nodes, head first, by their names in Slurm; the other nodes reach them by ``internal_ip``.

    They share one home, so that files, setup and the agent are needed on the head alone.
    """
    return list(parse_nodes(handle.data["hosts"]))


class SlurmProvisioner:
    """Asks Slurm for nodes, and gives them back."""

    def create(self, request: NodeRequest) -> Handle:
        """Have the nodes held, or return the handle of the cluster that holds them already.

        Waits for its turn as long as the cluster's ``wait`` says. Raises ``OutOfCapacity`` or ``AuthError``
        with Slurm's own reason; nothing is queued then. The folder stays.
        """
        cluster = clusters.get(request.offer.key.region)
        _check_id(request.cluster_id)
        transport = ssh.connect(cluster.login)
        try:
            order = Order.of(cluster, request, transport)
            login.make(transport, request.cluster_id, order.to_json())
            return _hold(transport, cluster.login, request.cluster_id)
        finally:
            transport.close()

    def describe(self, handle: Handle) -> ClusterView:
        """Say what Slurm and the folder tell."""
        if handle.data:
            addresses = [node.internal_ip or node.host for node in hosts_of(handle)]
            return _on(
                login_of(handle), lambda transport: _view(login.look(transport, handle.cluster_id), addresses)
            )
        everywhere = _Everywhere.asked()
        found = everywhere.of(handle.cluster_id)
        if not found and everywhere.silent:
            raise everywhere.silent[0]
        return _view(found[0][1]) if found else ClusterView(handle.cluster_id, NodeState.GONE)

    def delete(self, handle: Handle) -> None:
        """End the holder and remove the folder; gone already is success. Raises ``CleanupIncomplete``."""
        if handle.data:
            _on(login_of(handle), lambda transport: login.remove(transport, handle.cluster_id))
            return
        everywhere = _Everywhere.asked()
        for cluster, _ in everywhere.of(handle.cluster_id):
            _on(cluster.login, lambda transport: login.remove(transport, handle.cluster_id))
        if everywhere.silent:
            raise CleanupIncomplete(
                f"cluster {handle.cluster_name} may still hold nodes: {everywhere.silent[0]}. When the login "
                f"node answers again, run there: scancel --name=sky-{handle.cluster_id}"
            )

    def list(self) -> Sequence[ClusterView]:
        """Return every cluster of this user at every Slurm cluster that answers."""
        everywhere = _Everywhere.asked()
        for error in everywhere.silent:
            _log.warning("the list of clusters is not complete: %s", error)
        return [_view(look) for _, look in everywhere.found]

    def stop(self, handle: Handle) -> None:
        """Give the nodes back; the folder stays, with the workdir, logs and jobs."""
        _on(login_of(handle), lambda transport: login.release(transport, handle.cluster_id))

    def start(self, handle: Handle) -> Handle:
        """Ask for the same nodes' worth again. Raises as ``create`` does, ``NotFound`` without the folder."""

        def again(transport: Transport) -> Handle:
            look = login.look(transport, handle.cluster_id)
            if not look.record:
                raise NotFound(
                    f"cluster {handle.cluster_name} is gone: it has no folder at {login_of(handle)}"
                )
            login.make(transport, handle.cluster_id, look.record)
            return _hold(transport, login_of(handle), handle.cluster_id)

        return _on(login_of(handle), again)

    def self_commands(self, handle: Handle) -> Mapping[str, Sequence[str]]:
        """Return what the head runs to give the nodes back, or to remove the cluster."""
        return login.self_commands(handle.data["folder"])

    def agent_config(self, handle: Handle) -> Mapping[str, object]:
        """Return the agent's settings: what a node gives, addresses and names, the marker, self commands."""
        nodes = hosts_of(handle)
        return {
            "cluster_name": handle.cluster_name,
            "capacity": json.loads(handle.data["capacity"]),
            "addresses": [node.internal_ip or node.host for node in nodes],
            "allocation": [node.host for node in nodes],
            "kept": True,
            "marker": f"{MARKER}=sky-{handle.cluster_id}",
            "actions": self.self_commands(handle),
        }


def _hold(transport: Transport, address: Address, cluster_id: str) -> Handle:
    """Queue the holder that the folder's record orders, wait for its turn, return the handle."""
    order = Order.from_json(login.look(transport, cluster_id).record)
    try:
        look = login.submit(transport, cluster_id, order.options)
    except SlurmRefused as error:
        kind = AuthError if _ACCOUNT.search(str(error)) else OutOfCapacity
        raise kind(f"{order.place}: {error}", order.scope, REFUSAL_TTL_S) from error
    try:
        look = await_turn(transport, look, order)
        found, python = login.nodes(transport, cluster_id, look.job_id)
    except BaseException:
        give_up(transport, cluster_id)
        raise
    if not python:
        give_up(transport, cluster_id)
        raise Unsupported(
            f"{order.place}: {found[0].name} has no Python 3.8 or newer with sqlite3; load one in ~/.profile"
        )
    nodes = [Address(node.name, internal_ip=node.ip, proxy_jump=str(address)) for node in found]
    data = {
        "cluster": order.region,
        "login": json.dumps(address.to_dict()),
        "folder": look.folder,
        "job": look.job_id,
        "hosts": write_nodes(nodes),
        "python": python,
        "capacity": json.dumps(order.capacity),
    }
    return Handle(CLOUD, cluster_id, order.cluster_name, data)


@dataclass(frozen=True, slots=True)
class _Everywhere:
    """The clusters of every Slurm cluster that answers, and what came from those that do not."""

    found: tuple[tuple[SlurmCluster, ClusterLook], ...]
    silent: tuple[SkyError, ...]

    @classmethod
    def asked(cls) -> _Everywhere:
        known = list(clusters.named().values())
        answers = ask([each.login for each in known], login.look_at_all, _LOOK_S)
        return cls(
            tuple(
                (cluster, look)
                for cluster, answer in zip(known, answers, strict=True)
                if answer.error is None
                for look in answer.got()
            ),
            tuple(answer.error for answer in answers if answer.error is not None),
        )

    def of(self, cluster_id: str) -> list[tuple[SlurmCluster, ClusterLook]]:
        return [(cluster, look) for cluster, look in self.found if look.cluster_id == cluster_id]


def _view(look: ClusterLook, addresses: Sequence[str] = ()) -> ClusterView:
    state = holder.state_of(look)
    if state in {NodeState.STOPPED, NodeState.GONE}:
        return ClusterView(look.cluster_id, state, (), holder.why(look))
    head = look.job.get("BatchHost", "")
    return ClusterView(look.cluster_id, state, tuple(addresses or filter(None, [head])), holder.why(look))


T = TypeVar("T")


def _on(address: Address, doing: Callable[[Transport], T]) -> T:
    transport = ssh.connect(address)
    try:
        return doing(transport)
    finally:
        transport.close()


def _check_id(cluster_id: str) -> None:
    if not _CLUSTER_ID.fullmatch(cluster_id):
        raise UserError(f"cluster id {cluster_id!r} must be letters, digits, '.', '_' and '-', at most 200")
