"""Switching a cluster's instances on and off, all of them or none."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.errors import SkyError
from catalog.offer import OfferKey
from executors.aws import instances
from executors.aws.instances import Instance

SWITCH_S = 600.0
"""How long instances may take to run, or to be off."""


def switch_on(region: str, cluster_id: str, wanted: Sequence[Instance], key: OfferKey) -> list[Instance]:
    """Have ``wanted`` run; running already is success. Returns them with today's addresses.

    Where one cannot be had those that were off are off again. Raises ``OutOfCapacity`` and its like, also for
    an instance that ended instead.
    """
    ids = {each.instance_id for each in wanted}

    def mine(found: Sequence[Instance]) -> list[Instance]:
        return [each for each in found if each.instance_id in ids]

    def rest(found: Sequence[Instance]) -> bool:
        return all(each.state != "stopping" for each in mine(found))

    def over(found: Sequence[Instance]) -> bool:
        return not any(each.state == "pending" for each in mine(found))

    found = mine(instances.wait(region, cluster_id, rest, SWITCH_S, "stopped"))
    off = [each.instance_id for each in found if each.state == "stopped"]
    try:
        if off:
            instances.start(region, off, key)
        found = mine(instances.wait(region, cluster_id, over, SWITCH_S, "running"))
        for each in found:
            if each.state != "running":
                raise instances.ended_because(each, key)
    except SkyError:
        if off:
            instances.stop(region, off)
        raise
    return found


def switch_off(region: str, found: Sequence[Instance]) -> None:
    """Have instances stop, their disks kept; it is under way on return. Stopped already is success."""
    on = [each.instance_id for each in found if each.state in {"pending", "running"}]
    if on:
        instances.stop(region, on)
