"""Clusters on EC2: all their nodes or none, in one zone, found again by their tag alone."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial

from catalog.offer import Market, OfferKey
from catalog.scope import Scope
from executors.api import Access, ClusterView, Handle, NodeRequest, NodeState
from executors.aws import check as account
from executors.aws import creation, disk_copy, instances, intent, reservations, tags
from executors.aws.errors import CLOUD, translated
from executors.aws.instances import Instance
from executors.aws.intent import Intent
from executors.aws.network import delete_group, open_logins, own_groups
from executors.aws.power import SWITCH_S, switch_off, switch_on
from executors.aws.removal import remove
from executors.aws.search import everywhere, instances_of
from executors.aws.session import client, in_each
from executors.aws.view import view_of
from executors.errors import NotFound, Unsupported
from executors.reserved import Reservation
from executors.transports.address import Address, read_nodes, write_nodes
from executors.vm import host_key, runtime
from executors.vm.client_key import client_key
from executors.vm.cluster import MARKER, agent_config, cluster_data, python
from executors.vm.ready import unpin, wait_until_ready
from executors.vm.user_data import LOGIN_USER

SELF_ACTIONS = ("stop", "down")


class AwsProvisioner:
    """Makes, finds and removes instances with the credentials of the environment, as every AWS SDK does."""

    def create(self, request: NodeRequest) -> Handle:
        """Make the cluster's instances and wait until they can be logged in to, or complete what is there.

        Raises ``OutOfCapacity``, ``QuotaExceeded`` and ``AuthError``, after which nothing of it is left;
        ``CleanupIncomplete`` where that is not certain; ``HostUnreachable`` for machines that let nobody in.
        """
        region = request.offer.key.region
        found = creation.ensure(request)
        nodes = _reachable(region, found)
        data = {
            **cluster_data(nodes, found[0].marks[tags.HOST_KEY], request.offer),
            **runtime.begun(nodes, request),
            "region": region,
            "endpoint": client("ec2", region).meta.endpoint_url,
            "instances": json.dumps([each.instance_id for each in found]),
            "offer": _written(replace(request.offer.key, zone=found[0].zone)),
        }
        return Handle(CLOUD, request.cluster_id, request.cluster_name, data)

    def describe(self, handle: Handle) -> ClusterView:
        """Say how the cluster's instances are; what one that ended itself left behind is removed now."""
        places = instances_of(handle)
        found = [each for there in places.values() for each in there]
        view = view_of(handle.cluster_id, found)
        if view.state is not NodeState.GONE:
            return view
        with translated():
            left = [
                group
                for region in places
                for group in own_groups(region, handle.cluster_id)
                if not delete_group(region, group, limit_s=0)
            ]
        left += [each for region in places for each in disk_copy.left(region, handle.cluster_id)]
        return view_of(handle.cluster_id, found, left)

    def delete(self, handle: Handle) -> None:
        """End the cluster's instances and remove what was made for it; gone already is success.

        Raises ``CleanupIncomplete`` that names what may be left, with the command that removes it.
        """
        for region, found in instances_of(handle, settled=True).items():
            remove(region, handle.cluster_id, handle.cluster_name, found)
            disk_copy.remove(region, handle.cluster_id)
        _part_from(handle)
        host_key.forget(handle.cluster_id)
        intent.forget(handle.cluster_id)

    def list(self) -> Sequence[ClusterView]:
        """Return every cluster of this user of which anything is left, in whatever region."""
        clusters: dict[str, list[Instance]] = {}
        places = everywhere()
        for each in (each for found in places.values() for each in found):
            clusters.setdefault(each.marks[tags.CLUSTER_ID], []).append(each)
        with translated():
            remains = [*in_each(list(places), own_groups).values()]
        remains += in_each(list(places), disk_copy.left).values()
        left: dict[str, list[str]] = {}
        for each_left, cluster_id in (pair for there in remains for pair in there.items()):
            left.setdefault(cluster_id, []).append(each_left)
        ids = sorted({*clusters, *left})
        views = [view_of(each, clusters.get(each, ()), left.get(each, ())) for each in ids]
        return [view for view in views if view.state is not NodeState.GONE]

    def stop(self, handle: Handle) -> None:
        """Stop all instances, their disks kept; stopped already is success.

        Raises ``Unsupported`` for spot instances, ``NotFound`` where there is none.
        """
        region, found = _live(handle)
        if _key(handle).market is Market.SPOT:
            raise Unsupported(
                f"cluster {handle.cluster_name} runs on spot instances, which cannot be stopped"
            )
        switch_off(region, found)
        _part_from(handle)

    def start(self, handle: Handle) -> Handle:
        """Start all instances, or none; running already is success. Returns the handle with new addresses.

        Raises ``OutOfCapacity`` where the zone has no such machine now, ``NotFound`` where there is none.
        """
        region, found = _live(handle)
        found = switch_on(region, handle.cluster_id, found, _key(handle))
        nodes = _reachable(region, found)
        runtime.resumed(nodes, handle)
        return replace(handle, data={**handle.data, "nodes": write_nodes(nodes)})

    def reach_of_copy(self, handle: Handle) -> Scope:
        """Return the region: an image is of one."""
        return Scope(CLOUD, handle.data["region"])

    def copy_disk(self, handle: Handle, copy_id: str) -> str:
        """Make an image of the disk of the head, which is off or on its way; takes minutes.

        Raises ``NotFound`` where the cluster has no instances.
        """
        region, found = _live(handle)
        head = found[0].instance_id
        instances.wait(region, handle.cluster_id, partial(_is_off, head), SWITCH_S, "stopped")
        intent.write(copy_id, Intent(region, open_at=time.time()))
        image = disk_copy.make(region, head, tags.of_copy(copy_id, handle.cluster_name))
        intent.write(copy_id, Intent(region))
        return image

    def self_commands(self, handle: Handle) -> Mapping[str, Sequence[str]]:
        """Return how a machine stops or ends all of the cluster's, by the role that it has."""
        script = ["env", "-u", MARKER, python(handle), "-I", creation.SELF_STOP]
        place = [handle.data["region"], handle.data["endpoint"]]
        ids = json.loads(handle.data["instances"])
        return {action: [*script, action, *place, *ids] for action in SELF_ACTIONS}

    def agent_config(self, handle: Handle) -> Mapping[str, object]:
        """Return the agent's settings."""
        return agent_config(handle, self.self_commands(handle))

    def reservations(self) -> Sequence[Reservation]:
        """Return what of the user's capacity reservations may be used and is free."""
        return reservations.usable()

    def configured(self) -> bool:
        """Return whether the SDK and credentials seem to be there; asks nobody."""
        return account.configured()

    def fingerprint(self) -> str:
        """Return text, no secret, that changes when other credentials would be used."""
        return account.fingerprint()

    def check(self) -> Access:
        """Ask AWS who this is and what it may do; nothing is made."""
        return account.access()


def _reachable(region: str, found: Sequence[Instance]) -> list[Address]:
    """Return the instances' addresses once each can be logged in to."""
    key = str(client_key().path)
    nodes = [
        Address(
            each.public_ip or each.private_ip, user=LOGIN_USER, identity_file=key, internal_ip=each.private_ip
        )
        for each in found
    ]
    open_logins(region)
    wait_until_ready(nodes, found[0].marks[tags.HOST_KEY])
    return nodes


def _part_from(handle: Handle) -> None:
    """End the connections to addresses that are somebody else's soon."""
    if nodes := read_nodes(handle.data):
        unpin(nodes, handle.data["host_key"])


def _live(handle: Handle) -> tuple[str, list[Instance]]:
    """Return the cluster's instances that are there, and their region. Raises ``NotFound`` for none."""
    for region, found in instances_of(handle).items():
        if live := [each for each in found if each.live]:
            return region, live
    raise NotFound(f"cluster {handle.cluster_name} has no instances any more")


def _is_off(instance_id: str, found: Sequence[Instance]) -> bool:
    return any(each.instance_id == instance_id and each.state == "stopped" for each in found)


def _written(key: OfferKey) -> str:
    return json.dumps({**asdict(key), "market": key.market.value})


def _key(handle: Handle) -> OfferKey:
    fields = json.loads(handle.data["offer"])
    return OfferKey(**{**fields, "market": Market(fields["market"])})
