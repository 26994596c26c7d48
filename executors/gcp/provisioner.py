"""Clusters on Google Cloud: instances or TPU VMs with the cluster's label, all or none, found by it alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from catalog.errors import ExecutorError
from catalog.offer import OfferKey
from catalog.scope import Scope
from executors.api import Access, ClusterView, Handle, NodeRequest, NodeState
from executors.errors import CleanupIncomplete, NotFound, OutOfCapacity, Unsupported
from executors.fanout import NodesFailed
from executors.gcp import (
    check,
    credentials,
    disk_copy,
    errors,
    firewall,
    fleet,
    instances,
    names,
    operations,
    tpu,
)
from executors.gcp.instances import Instance
from executors.gcp.rest import Json, Rest, endpoint, tpu_endpoint
from executors.gcp.zones import zones_of
from executors.transports.address import Address, read_nodes, write_nodes
from executors.transports.key_pair import KeyPair
from executors.vm import cluster, host_key, ready, runtime
from executors.vm.client_key import ClientKey, client_key
from executors.vm.startup_script import startup_script
from executors.vm.user_data import BootFile, cloud_config

_TPU, _COMPUTE = "tpu", "compute"
"""The services that make instances, as handles name them."""
_SELF_STOP = Path(__file__).with_name("self_stop.py")
_GUEST_AGENT = BootFile(
    "/etc/default/instance_configs.cfg", "[InstanceSetup]\nset_host_keys = false\n", mode="0644"
)
"""Without it Google's guest agent would put host keys of its own in the place of the cluster's."""


class GcpProvisioner:
    """Makes, describes and removes clusters in the project of this user's credentials."""

    def __init__(self, open_rest: Callable[[str], Rest] = Rest.open) -> None:
        self._open = open_rest
        self._opened: dict[str, Rest] = {}

    def create(self, request: NodeRequest) -> Handle:
        """Make the cluster's instances, or complete and start those that are there; wait for a login.

        Raises ``OutOfCapacity`` and ``QuotaExceeded`` when Google refuses one; what this call made is removed
        then.
        """
        rest, cluster_id, key = self._rest(), request.cluster_id, request.offer.key
        if tpu.is_tpu(key):
            tpu.check(request)
        names.check(request.labels)
        key_pair, login = host_key.host_key(cluster_id), client_key()
        operations.await_all(rest, operations.pending(rest, names.group(cluster_id)))
        found = _there(rest, cluster_id, _service(key))
        fleet.delete(rest, [each for each in found if each.lost])
        found = [each for each in found if not each.lost]
        nodes = _running(rest, request, found, _boot_text(key, key_pair, login))
        addresses = [each.address(login) for each in nodes]
        data = {
            **cluster.cluster_data(addresses, key_pair.public, request.offer),
            "project": rest.project,
            "service": _service(key),
            "zone": nodes[0].zone,
        }
        _await_login(rest, nodes, addresses, key_pair.public, key)
        data.update(runtime.begun(addresses, request))
        return Handle(errors.CLOUD, cluster_id, request.cluster_name, data)

    def describe(self, handle: Handle) -> ClusterView:
        """Say how the cluster's instances are, wherever in the project they are."""
        rest, cluster_id = self._rest(handle), handle.cluster_id
        view = instances.view(cluster_id, _find(rest, cluster_id, _known_service(handle)))
        if view.state is NodeState.GONE and (images := disk_copy.find(rest, cluster_id)):
            return ClusterView(
                cluster_id, NodeState.DEGRADED, reason=f"it has no instances; left: {images[0]}"
            )
        return view

    def delete(self, handle: Handle) -> None:
        """Delete the cluster's instances with their disks, its firewall rules, and the copy of a disk.

        Gone already is success. Raises ``CleanupIncomplete`` with the commands that delete what is left.
        """
        rest, cluster_id = self._rest(handle), handle.cluster_id
        operations.await_all(rest, operations.pending(rest, names.group(cluster_id)))
        service = _known_service(handle)
        failed = fleet.delete(rest, _find(rest, cluster_id, service)) + firewall.close_all(rest, cluster_id)
        failed += disk_copy.remove(rest, cluster_id)
        left = _what_is_left(rest, cluster_id, service)
        if left:
            why = "; ".join(map(str, failed)) or "Google still lists it"
            raise CleanupIncomplete(
                f"cluster {handle.cluster_name} may still be there ({why}). Run: {'; '.join(left)}"
            )
        _forget_addresses(handle)
        host_key.forget(cluster_id)

    def list(self) -> Sequence[ClusterView]:
        """Return this user's clusters in the project, with those of which no instance is left."""
        rest = self._rest()
        found = instances.by_cluster([*instances.find_all(rest), *tpu.find_all(rest)])
        views = [instances.view(cluster_id, nodes) for cluster_id, nodes in found.items()]
        left = firewall.clusters(rest) | disk_copy.clusters(rest)
        left -= {each.cluster_id for each in views}
        why = "its instances are gone; firewall rules, or an image, are left"
        return views + [
            ClusterView(each, NodeState.DEGRADED, reason=why, nodeless=True) for each in sorted(left)
        ]

    def stop(self, handle: Handle) -> None:
        """Stop all instances; their disks stay, and bill.

        Raises ``CleanupIncomplete`` if one still runs, ``Unsupported`` for TPU pods.
        """
        if why := self.why_not_stop(handle):
            raise Unsupported(f"cluster {handle.cluster_name} cannot be stopped: it is {why}")
        rest = self._rest(handle)
        failed = fleet.stop(rest, self._found(rest, handle))
        if failed:
            words = "; ".join(map(str, failed))
            raise CleanupIncomplete(f"cluster {handle.cluster_name} is not stopped: {words}; try again")
        _forget_addresses(handle)

    def start(self, handle: Handle) -> Handle:
        """Start all instances again, in their zone, or none; wait for a login.

        Raises ``OutOfCapacity`` when the zone has none left, ``NotFound`` when they are gone.
        """
        rest = self._rest(handle)
        operations.await_all(rest, operations.pending(rest, names.group(handle.cluster_id)))
        found = self._found(rest, handle)
        key = instances.offer_key(found[0], json.loads(handle.data["capacity"]))
        try:
            nodes = fleet.start(rest, found)
        except errors.Refused as error:
            raise errors.about(error, key) from error
        firewall.open_logins(rest, handle.cluster_id, instances.network())
        addresses = [each.address(client_key()) for each in nodes]
        _await_login(rest, nodes, addresses, handle.data["host_key"], key)
        runtime.resumed(addresses, handle)
        return replace(handle, data={**handle.data, "nodes": write_nodes(addresses)})

    def why_not_stop(self, handle: Handle) -> str:
        """Return that it is a TPU pod, which Google does not stop."""
        name = str(json.loads(handle.data.get("capacity", "{}")).get("accelerator", ""))
        return f"a TPU slice of several hosts ({name})" if tpu.has_several_hosts(name) else ""

    def reach_of_copy(self, handle: Handle) -> Scope:
        """Return all of Google Cloud: an image of the project can be booted in every zone.

        Raises ``Unsupported`` for TPU VMs, whose disks are not the project's.
        """
        if _known_service(handle) == _TPU:
            raise Unsupported(f"cluster {handle.cluster_name} is on a TPU VM, whose disk cannot be copied")
        return Scope(handle.executor)

    def copy_disk(self, handle: Handle, copy_id: str) -> str:
        """Make an image of the disk of the head, which is off or on its way; takes minutes.

        Raises ``NotFound`` where the cluster has no instances.
        """
        rest = self._rest(handle)
        operations.await_all(rest, operations.pending(rest, names.group(copy_id)))
        head = self._found(rest, handle)[0]
        fleet.await_stopped(rest, [head])
        return disk_copy.make(rest, head.path, copy_id)

    def self_commands(self, handle: Handle) -> Mapping[str, Sequence[str]]:
        """Return what a node runs to stop its cluster, or to delete it."""
        script, python = _SELF_STOP.read_text("utf-8"), cluster.python(handle)
        words = [endpoint(), handle.data["project"], names.tag(handle.cluster_id)]
        if _known_service(handle) == _TPU:
            words += [tpu_endpoint(), handle.data["zone"]]
        return {verb: [python, "-I", "-c", script, verb, *words] for verb in ("stop", "down")}

    def agent_config(self, handle: Handle) -> Mapping[str, object]:
        """Return the agent's settings."""
        return cluster.agent_config(handle, self.self_commands(handle))

    def configured(self) -> bool:
        """Return whether there are credentials and a project; nobody is asked."""
        return credentials.there()

    def fingerprint(self) -> str:
        """Return text that changes when other credentials would be used."""
        return credentials.fingerprint()

    def check(self) -> Access:
        """Ask Google who we are and which permissions are missing."""
        return check.check()

    def _rest(self, handle: Handle | None = None) -> Rest:
        project = handle.data.get("project", "") if handle else ""
        if project not in self._opened:
            self._opened[project] = self._open(project)
        return self._opened[project]

    @staticmethod
    def _found(rest: Rest, handle: Handle) -> Sequence[Instance]:
        found = _find(rest, handle.cluster_id, _known_service(handle))
        if not found:
            raise NotFound(
                f"cluster {handle.cluster_name} has no instances in project {rest.project} any more"
            )
        return found


def _service(key: OfferKey) -> str:
    return _TPU if tpu.is_tpu(key) else _COMPUTE


def _known_service(handle: Handle) -> str:
    """Return the service that makes the cluster's instances; ``""`` where its launch was interrupted."""
    return handle.data.get("service", "")


def _find(rest: Rest, cluster_id: str, service: str) -> list[Instance]:
    """Return the cluster's instances, head first; where the service is not known, either's."""
    if service == _TPU:
        return tpu.find(rest, cluster_id)
    found = instances.find(rest, cluster_id)
    return found if found or service else tpu.find_where_allowed(rest, cluster_id)


def _there(rest: Rest, cluster_id: str, service: str) -> list[Instance]:
    """Return the cluster's instances, head first, but for those that a list shows after their end."""
    return fleet.looked_at(rest, [each.path for each in _find(rest, cluster_id, service)])


def _boot_text(key: OfferKey, key_pair: KeyPair, login: ClientKey) -> str:
    """Return what an instance is sent for its boot; TPU VMs are told by a script of their guest agent's."""
    if tpu.is_tpu(key):
        return startup_script(key_pair, login.public)
    return cloud_config(key_pair, login.public, files=[_GUEST_AGENT])


def _order(request: NodeRequest, zone: str, rank: int, boot_text: str) -> Json:
    if tpu.is_tpu(request.offer.key):
        return tpu.wanted(request, rank, boot_text)
    return instances.wanted(request, zone, rank, boot_text)


def _running(rest: Rest, request: NodeRequest, found: Sequence[Instance], boot_text: str) -> list[Instance]:
    """Return the cluster's instances, all running and reachable, head first; what is missing is made."""
    key = request.offer.key
    several = request.num_nodes > 1 or tpu.has_several_hosts(key.accelerator)
    rules = firewall.rules(request.cluster_id, request.ports, several=several, network=instances.network())
    zones = [found[0].zone] if found else zones_of(rest, key)
    refusal: ExecutorError = NotFound(f"no zone of {key.region} has {key.instance_type}")
    for zone in zones:
        missing = sorted(set(range(request.num_nodes)) - {each.rank for each in found})
        place = instances.collection(key.instance_type, zone)
        orders = {
            names.node(request.cluster_id, rank): _order(request, zone, rank, boot_text) for rank in missing
        }
        made = [f"{place}/{name}" for name in orders]
        try:
            fleet.insert(rest, place, orders)
            nodes = fleet.start(rest, [*found, *fleet.settled(rest, made)])
            firewall.open_all(rest, request.cluster_id, rules)
        except ExecutorError as error:
            fleet.undo(rest, made)
            refusal = errors.about(error, key)
            if not isinstance(refusal, OutOfCapacity):
                break
        else:
            return nodes
    raise errors.about(refusal, key)


def _await_login(
    rest: Rest, nodes: Sequence[Instance], addresses: Sequence[Address], public_key: str, key: OfferKey
) -> None:
    """Wait until all nodes let us in; that one was taken away meanwhile outweighs the others' silence."""
    try:
        ready.wait_until_ready(addresses, public_key, check=partial(_still_running, rest, nodes, key))
    except NodesFailed as error:
        taken = [each for each in error.errors.values() if isinstance(each, OutOfCapacity)]
        raise taken[0] if taken else error from None


def _still_running(rest: Rest, nodes: Sequence[Instance], key: OfferKey) -> None:
    """Raise ``OutOfCapacity`` when one was stopped while its login was awaited, as spot instances are."""
    for each in fleet.looked_at(rest, [node.path for node in nodes]):
        if each.state is NodeState.STOPPED:
            raise errors.about(errors.stopped(each.name, each.why), key)


def _forget_addresses(handle: Handle) -> None:
    nodes = read_nodes(handle.data)
    if nodes:
        ready.unpin(nodes, handle.data["host_key"])


def _noun(instance: Instance) -> str:
    return "tpus tpu-vm" if instance.is_tpu else "instances"


def _what_is_left(rest: Rest, cluster_id: str, service: str) -> list[str]:
    """Return the commands that remove by hand what is still there."""
    verb, where = "gcloud compute", f"--project={rest.project}"
    left = [
        f"{verb} {_noun(each)} delete {each.name} --zone={each.zone} {where}"
        for each in _there(rest, cluster_id, service)
    ]
    left += [f"{verb} firewall-rules delete {each} {where}" for each in firewall.find(rest, cluster_id)]
    return left + [f"{verb} images delete {each} {where}" for each in disk_copy.find(rest, cluster_id)]
