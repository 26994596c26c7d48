"""From a request to running instances: what is missing is made, all or none, and what is off is started."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from catalog.errors import SkyError
from catalog.offer import Market, OfferKey
from catalog.scope import Scope
from executors.api import NodeRequest
from executors.aws import instances, intent, reservations, tags
from executors.aws.errors import CLOUD, translated
from executors.aws.image import image_for
from executors.aws.instances import Instance, Plan
from executors.aws.intent import Intent
from executors.aws.network import NO_NETWORK_TTL_S, Network, groups_for, network
from executors.aws.power import switch_on
from executors.aws.removal import remove
from executors.aws.role import instance_profile
from executors.aws.session import client
from executors.errors import OutOfCapacity, ScopedError, Transient, Unsupported
from executors.vm.client_key import client_key
from executors.vm.host_key import host_key
from executors.vm.user_data import BootFile, cloud_config

SELF_STOP = "/usr/local/lib/sky/self_stop.py"
"""Where a machine finds the script by which it stops its cluster."""
LISTED_S = 60.0
"""How long new instances may take to be listed."""
_GENERATIONS = 3


def ensure(request: NodeRequest) -> list[Instance]:
    """Return the cluster's instances, all running, head first; those that are missing are made.

    Raises ``OutOfCapacity``, ``QuotaExceeded``, ``AuthError``: then nothing of a new cluster is left, or
    ``CleanupIncomplete`` says what is. After ``Transient`` it is not known whether instances were made.
    """
    tags.check_labels(request.labels)
    region, cluster_id = request.offer.key.region, request.cluster_id
    found = instances.of_cluster(region, cluster_id)
    is_new = not any(each.live for each in found)
    try:
        return _complete(request, found)
    except ScopedError:
        if request.offer.key.market is Market.RESERVED:
            reservations.leave_out(request.offer.key)
        if is_new:
            remove(region, cluster_id, request.cluster_name, instances.of_cluster(region, cluster_id))
        raise


def _complete(request: NodeRequest, found: Sequence[Instance]) -> list[Instance]:
    """Make what is missing of ``found`` and have all run; instances too many are ended."""
    region, cluster_id = request.offer.key.region, request.cluster_id
    for _ in range(_GENERATIONS):
        live = [each for each in found if each.live]
        if len(live) >= request.num_nodes:
            break
        ids = set(_add(request, found, request.num_nodes - len(live)))
        found = instances.wait(region, cluster_id, partial(_listed, ids), LISTED_S, "listed")
    live = [each for each in found if each.live]
    if len(live) < request.num_nodes:
        last = [each for each in found if not each.live][-1]
        raise instances.ended_because(last, request.offer.key)
    instances.terminate(region, [each.instance_id for each in live[request.num_nodes :]])
    return switch_on(region, cluster_id, live[: request.num_nodes], request.offer.key)


def _listed(ids: set[str], found: Sequence[Instance]) -> bool:
    return ids <= {each.instance_id for each in found}


def _add(request: NodeRequest, found: Sequence[Instance], count: int) -> list[str]:
    """Make ``count`` more instances in the first zone that has them; returns their ids."""
    key = request.offer.key
    noted = intent.read(request.cluster_id)
    generation = max([noted.generation if noted else 0, *(each.generation + 1 for each in found)])
    live = [each for each in found if each.live]
    with translated(key):
        place = network(key.region)
        plan = _plan(request, place, live)
    if key.market is Market.RESERVED:
        plan = replace(plan, reservation_id=reservations.reservation_for(key, count))
    refused: OutOfCapacity | None = None
    for zone in _zones(key, place, live, noted):
        in_zone = replace(request, offer=replace(request.offer, key=replace(key, zone=zone)))
        wanted = Intent(key.region, zone, generation, time.time())
        intent.write(request.cluster_id, wanted)
        try:
            ids = instances.run(replace(plan, request=in_zone), place.subnets[zone], zone, count, generation)
        except Transient:
            raise
        except OutOfCapacity as error:
            refused = error
        except SkyError:
            intent.write(request.cluster_id, replace(wanted, open_at=0.0))
            raise
        else:
            intent.write(request.cluster_id, replace(wanted, open_at=0.0))
            return ids
        intent.write(request.cluster_id, replace(wanted, open_at=0.0))
    assert refused is not None
    raise refused if key.zone else _nowhere_in_region(key, refused)


def _zones(key: OfferKey, place: Network, live: Sequence[Instance], noted: Intent | None) -> Iterator[str]:
    """Yield the zones to try: the offer's, or that of the instances there are, or one after the other."""
    wanted = key.zone or (live[0].zone if live else "")
    if not wanted:
        first = noted.zone if noted else ""
        yield from sorted(place.subnets, key=lambda zone: (zone != first, zone))
    elif wanted in place.subnets:
        yield wanted
    else:
        raise OutOfCapacity(
            f"{CLOUD}/{wanted}: {place.vpc_id} has no public subnet in this zone",
            Scope(CLOUD, key.region, wanted),
            NO_NETWORK_TTL_S,
        )


def _nowhere_in_region(key: OfferKey, last: OutOfCapacity) -> OutOfCapacity:
    scope = Scope(CLOUD, key.region, instance_type=key.instance_type, market=key.market)
    return OutOfCapacity(f"no zone of {key.region} had capacity; the last said: {last}", scope, last.ttl_s)


def _plan(request: NodeRequest, place: Network, live: Sequence[Instance]) -> Plan:
    key_pair = host_key(request.cluster_id)
    if live and live[0].marks.get(tags.HOST_KEY) != key_pair.public:
        raise Unsupported(
            f"cluster {request.cluster_name} was made from another machine, which alone can add instances: "
            f"launch it there, or run sky down {request.cluster_name}"
        )
    script = Path(__file__).with_name("self_stop.py").read_text("utf-8")
    efa = request.network_tier == "best" and _has_efa(request.offer.key)
    return Plan(
        request=request,
        image=image_for(request.offer, request.machine_image),
        user_data=cloud_config(key_pair, client_key().public, files=[BootFile(SELF_STOP, script)]),
        host_key=key_pair.public,
        groups=groups_for(request, place.vpc_id, efa=efa),
        profile=instance_profile(),
        efa=efa,
    )


def _has_efa(key: OfferKey) -> bool:
    """Return whether the type has an Elastic Fabric Adapter."""
    (found,) = client("ec2", key.region).describe_instance_types(InstanceTypes=[key.instance_type])[
        "InstanceTypes"
    ]
    return bool(found["NetworkInfo"].get("EfaSupported"))
