"""Clusters on hosts of a pool: reserved whole, all or none; the reservations on the hosts are the record."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence

from catalog.offer import OfferKey
from catalog.scope import Scope
from executors.api import ClusterView, Handle, NodeRequest, NodeState
from executors.errors import CleanupIncomplete, NotFound, OutOfCapacity
from executors.fanout import Answer
from executors.ssh import claims, host, pools
from executors.ssh.cluster_view import node_names, view_of
from executors.ssh.contact import LOOK_S, look_at, why
from executors.ssh.host import HostView
from executors.ssh.offers import CLOUD, look_again
from executors.ssh.reservation import Reservation, me
from executors.ssh.seats import Seat, take
from executors.ssh.standing import STATUS_S, Standing, room
from executors.transports.address import Address, read_nodes, write_nodes
from executors.transports.ssh import ask

_log = logging.getLogger("sky.executors.ssh")

_ROUNDS = 5
"""How often hosts are chosen anew when others take them at the same moment."""
_REFUSAL_TTL_S = 60


class SshProvisioner:
    """Reserves hosts of the pools that were brought up, and lets them go again."""

    def create(self, request: NodeRequest) -> Handle:
        """Reserve ``num_nodes`` hosts of the offer's shape and make them ready, or complete that.

        Raises ``OutOfCapacity`` that says who holds the others; what was taken by then is let go.
        """
        seats = sorted(_reserved(request), key=lambda seat: seat.reservation.rank)
        nodes = [seat.address for seat in seats]
        _prepare(request.cluster_id, nodes)
        pool, offer = request.offer.key.region, request.offer
        capacity = {
            "cpus_milli": offer.vcpus_milli,
            "memory_mib": offer.memory_mib,
            "accelerator": offer.key.accelerator,
            "accelerators": offer.key.accelerator_count_milli // 1000,
        }
        data = {
            "pool": pool,
            "nodes": write_nodes(nodes),
            "python": _python(pool, nodes[0]),
            "capacity": json.dumps(capacity),
        }
        return Handle(CLOUD, request.cluster_id, request.cluster_name, data)

    def describe(self, handle: Handle) -> ClusterView:
        """Say how the cluster's hosts are; one that does not answer makes it degraded, never gone."""
        cluster_id = handle.cluster_id
        nodes = read_nodes(handle.data)
        if nodes:
            view = view_of(cluster_id, nodes, look_at(nodes), len(nodes))
            if view.state is NodeState.GONE:
                claims.disclaim(cluster_id)
            return view
        claimed = claims.claimed(cluster_id)
        looked = _looked(claimed or _all_hosts())
        silent = [(node, answer) for node, answer in looked if answer.value is None and node in claimed]
        return _view(cluster_id, _on(cluster_id, looked), silent)

    def delete(self, handle: Handle) -> None:
        """End the cluster on all its hosts and let them go.

        Raises ``CleanupIncomplete`` naming the hosts where that is not certain.
        """
        cluster_id = handle.cluster_id
        nodes = list(dict.fromkeys([*read_nodes(handle.data), *claims.claimed(cluster_id)]))
        if not nodes:
            nodes = [node for node, _ in _on(cluster_id, _looked(_all_hosts()))]
        answers = ask(nodes, lambda transport: host.remove(transport, cluster_id))
        look_again()
        if left := _failures(nodes, answers):
            raise CleanupIncomplete(
                f"cluster {handle.cluster_name} may still hold {left}. When that host answers again: "
                f"sky down {handle.cluster_name}; or on the host itself, once nothing of the cluster runs: "
                f"rm -rf ~/sky_workdir ~/sky_logs ~/.sky_agent ~/.sky_stopped/{cluster_id} ~/.sky_reservation"
            )
        claims.disclaim(cluster_id)

    def list(self) -> Sequence[ClusterView]:
        """Return every cluster of this user and machine on hosts of the pools, stopped ones too."""
        looked = _looked(_all_hosts())
        ids = {
            each.cluster_id
            for _, answer in looked
            if answer.value is not None
            for each in (*answer.value.stopped, answer.value.reservation)
            if each is not None and each.owner == me()
        }
        return [_view(cluster_id, _on(cluster_id, looked)) for cluster_id in sorted(ids)]

    def stop(self, handle: Handle) -> None:
        """Put the cluster's folders away on every host and let the hosts go.

        Raises ``CleanupIncomplete`` naming the hosts where that is not certain; one that does not answer is
        not waited for.
        """
        nodes = read_nodes(handle.data)
        if not nodes:
            raise NotFound(f"cluster {handle.cluster_name} has no host yet")
        looked = look_at(nodes)
        there = [node for node, answer in zip(nodes, looked, strict=True) if answer.error is None]
        stopped = ask(there, lambda transport: host.stop(transport, handle.cluster_id))
        answers: dict[Address, Answer[object]] = dict(zip(nodes, looked, strict=True))
        answers.update(zip(there, stopped, strict=True))
        look_again()
        if left := _failures(nodes, [answers[node] for node in nodes]):
            raise CleanupIncomplete(f"cluster {handle.cluster_name} is not stopped on {left}; try again")

    def start(self, handle: Handle) -> Handle:
        """Take the same hosts again and bring the folders back.

        Raises ``OutOfCapacity`` that says who has a host now, ``NotFound`` when the cluster is not there.
        """
        nodes = read_nodes(handle.data)
        pool = handle.data["pool"]
        answers = look_at(nodes)
        if silent := _failures(nodes, answers):
            raise OutOfCapacity(f"{CLOUD}/{pool}: {silent}", Scope(CLOUD, pool), _REFUSAL_TTL_S)
        seats = []
        for node, answer in zip(nodes, answers, strict=True):
            reservation = answer.got().of(handle.cluster_id)
            if reservation is None:
                raise NotFound(f"cluster {handle.cluster_name} is not on {node} any more")
            seats.append(Seat(node, reservation))
        if taken := take(seats):
            raise OutOfCapacity(
                f"{CLOUD}/{pool}: {taken.address} is held by {taken.reservation} now",
                Scope(CLOUD, pool),
                _REFUSAL_TTL_S,
            )
        _prepare(handle.cluster_id, nodes)
        return handle

    def self_commands(self, handle: Handle) -> Mapping[str, Sequence[str]]:
        """Return what a node runs to put the cluster away, or to remove it, on itself."""
        return host.self_commands(handle.cluster_id)

    def agent_config(self, handle: Handle) -> Mapping[str, object]:
        """Return the agent's settings: what a node has, the addresses, the marker, the self commands."""
        return {
            "cluster_name": handle.cluster_name,
            "capacity": json.loads(handle.data["capacity"]),
            "addresses": node_names(read_nodes(handle.data)),
            "marker": f"{host.MARKER}={handle.cluster_id}",
            "actions": self.self_commands(handle),
        }


def _reserved(request: NodeRequest) -> list[Seat]:
    """Return the cluster's hosts, once it holds as many as it needs."""
    cluster_id = request.cluster_id
    for _ in range(_ROUNDS):
        seats = _chosen(request)
        before = claims.claimed(cluster_id)
        claims.claim(cluster_id, list(dict.fromkeys([*before, *(seat.address for seat in seats)])))
        look_again()
        if take(seats) is None:
            return seats
        claims.claim(cluster_id, before)
    raise _no_room(request.offer.key, "others are taking its hosts at this moment; try again")


def _chosen(request: NodeRequest) -> list[Seat]:
    """Return the hosts that the cluster has already, and free ones for the ranks that have none yet."""
    cluster_id, key = request.cluster_id, request.offer.key
    pool = pools.load(key.region)
    if pool is None:
        raise _no_room(key, f"the pool is not up; run: sky ssh up {key.region}")
    claimed = claims.claimed(cluster_id)
    candidates = [each for each in pool.hosts if each.shape == key.instance_type]
    found = _looked(
        list(dict.fromkeys([*claimed, *(each.address for each in candidates)])),
        LOOK_S if claimed else STATUS_S,
    )
    silent = [(node, answer) for node, answer in found if answer.error is not None and node in claimed]
    if silent:
        raise _no_room(key, "it may hold " + _failures(*zip(*silent, strict=True)))
    seats = [
        Seat(node, mine) for node, answer in found if answer.value and (mine := answer.value.of(cluster_id))
    ]
    ranks = sorted(set(range(request.num_nodes)) - {seat.reservation.rank for seat in seats})
    answers = dict(found)
    standing = [
        Standing(each, answers[each.address].value, answers[each.address].error) for each in candidates
    ]
    free = [each.host.address for each in standing if each.free]
    free = [node for node in free if node not in {seat.address for seat in seats}]
    if len(free) < len(ranks):
        raise _no_room(key, f"{request.num_nodes} needed, {room(key.instance_type, standing)}")
    now = int(time.time())
    return seats + [
        Seat(node, Reservation(cluster_id, request.cluster_name, me(), now, rank, request.num_nodes))
        for node, rank in zip(free, ranks, strict=False)
    ]


def _no_room(key: OfferKey, reason: str) -> OutOfCapacity:
    scope = Scope(key.cloud, key.region, instance_type=key.instance_type)
    return OutOfCapacity(f"{key.cloud}/{key.region}: {reason}", scope, _REFUSAL_TTL_S)


def _prepare(cluster_id: str, nodes: Sequence[Address]) -> None:
    """Make the hosts ready, and say what of the user's was moved aside on them."""
    answers = ask(nodes, lambda transport: host.prepare(transport, cluster_id))
    for node, answer in zip(nodes, answers, strict=True):
        for name in answer.got():
            _log.warning(
                "~/%s was there on %s before; it is in ~/.sky_aside/ and comes back when the cluster goes",
                name,
                node,
            )


def _python(pool: str, head: Address) -> str:
    """Return the interpreter that the head's agent runs with."""
    known = pools.load(pool)
    found = [each.facts.python for each in (known.hosts if known else ()) if each.address == head]
    return found[0] if found else "python3"


def _all_hosts() -> list[Address]:
    return list(dict.fromkeys(each.address for pool in pools.load_all() for each in pool.hosts))


Looked = Sequence[tuple[Address, Answer[HostView]]]
"""Hosts and what they said."""


def _looked(nodes: Sequence[Address], limit_s: float = LOOK_S) -> Looked:
    return list(zip(nodes, look_at(nodes, limit_s), strict=True))


def _on(cluster_id: str, looked: Looked) -> Looked:
    """Return those of the hosts that the cluster holds or lies on, head first."""
    there = [
        (found.rank, position)
        for position, (_, answer) in enumerate(looked)
        if answer.value is not None and (found := answer.value.of(cluster_id))
    ]
    return [looked[position] for _, position in sorted(there)]


def _view(cluster_id: str, there: Looked, silent: Looked = ()) -> ClusterView:
    """Return the cluster on the hosts that have it, and on those that may but do not answer."""
    found = [answer.got().of(cluster_id) for _, answer in there]
    num_nodes = max([each.num_nodes for each in found if each is not None], default=0)
    everything = [*there, *silent]
    nodes, answers = [node for node, _ in everything], [answer for _, answer in everything]
    return view_of(cluster_id, nodes, answers, num_nodes)


def _failures(nodes: Sequence[Address], answers: Sequence[Answer[object]]) -> str:
    """Return which hosts did not do what they were asked, and why; ``""`` where all did."""
    return "; ".join(
        f"{node} ({why(answer.error)})"
        for node, answer in zip(nodes, answers, strict=True)
        if answer.error is not None
    )
