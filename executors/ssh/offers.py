"""Pools as offers: a class of equal hosts is one offer, as long as enough of them are free right now."""

from __future__ import annotations

import time
from collections.abc import Sequence

from catalog.offer import Market, Offer, OfferKey
from catalog.units import MILLI
from executors.owned import OwnedOffer
from executors.ssh.pools import Host, Pool, by_shape, load_all
from executors.ssh.standing import room, standings

CLOUD = "ssh"
LIMIT_S = 2.0
"""How long a plan waits for hosts to say whether they are free; those that do not are left out."""
_FRESH_S = 5.0

_looks: dict[tuple[Pool, ...], tuple[float, tuple[OwnedOffer, ...]]] = {}


def host_classes() -> tuple[OwnedOffer, ...]:
    """Return every class of hosts of every pool that is up, as it is now or was some seconds ago."""
    known = load_all()
    at, found = _looks.get(known, (0.0, ()))
    if time.monotonic() - at > _FRESH_S or not at:
        look_again()
        found = tuple(_look(known))
        _looks[known] = (time.monotonic(), found)
    return found


def look_again() -> None:
    """Forget how the hosts were: this process has taken some, or let some go."""
    _looks.clear()


def offers_of(pool: Pool) -> list[Offer]:
    """Return one offer a class of equal hosts, free or not."""
    return [_offer(pool.name, shape, hosts) for shape, hosts in by_shape(pool.hosts).items()]


def _look(known: Sequence[Pool]) -> list[OwnedOffer]:
    hosts = [(pool.name, host) for pool in known for host in pool.hosts]
    found = standings([host for _, host in hosts], LIMIT_S)
    classes = []
    for pool in known:
        mine = [each for (name, _), each in zip(hosts, found, strict=True) if name == pool.name]
        for offer in offers_of(pool):
            members = [each for each in mine if each.host.shape == offer.key.instance_type]
            free = sum(each.free for each in members)
            classes.append(OwnedOffer(offer, free, room(offer.key.instance_type, members)))
    return classes


def _offer(pool: str, shape: str, hosts: Sequence[Host]) -> Offer:
    """Return what every one of the hosts has; they are equal but for some MiB."""
    facts = min((host.facts for host in hosts), key=lambda facts: facts.memory_mib)
    key = OfferKey(CLOUD, pool, "", shape, facts.accelerator, facts.accelerators * MILLI, Market.OWNED)
    return Offer(
        key=key,
        vcpus_milli=facts.cpus_milli,
        memory_mib=facts.memory_mib,
        accelerator_memory_mib=facts.accelerator_memory_mib,
        arch=facts.arch,
        price_micro_usd=hosts[0].price_micro_usd,
    )
