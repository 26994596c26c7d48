"""Pools as offers: a class of equal hosts is one offer, as long as enough of them are free right now."""

from __future__ import annotations

import time

from catalog.offer import Market, Offer, OfferKey
from catalog.units import MILLI
from executors.owned import OwnedOffer
from executors.ssh import pools
from executors.ssh.pools import Facts
from executors.ssh.standing import Standing, room, standings

CLOUD = "ssh"
LIMIT_S = 2.0
"""How long a plan waits for hosts to say whether they are free; those that do not are left out."""
_FRESH_S = 5.0


_last: tuple[float, tuple[OwnedOffer, ...]] | None = None


def host_classes() -> tuple[OwnedOffer, ...]:
    """Return every class of hosts of every pool that is up, as it is now or was some seconds ago."""
    global _last  # noqa: PLW0603  one look serves all plans of a command
    now = time.monotonic()
    if _last is None or now - _last[0] > _FRESH_S:
        _last = (now, _look())
    return _last[1]


def _look() -> tuple[OwnedOffer, ...]:
    known = pools.load_all()
    found = iter(standings([host for pool in known for host in pool.hosts], LIMIT_S))
    classes = []
    for pool in known:
        mine = [next(found) for _ in pool.hosts]
        for shape in dict.fromkeys(each.host.shape for each in mine):
            classes.append(_class(pool.name, shape, [each for each in mine if each.host.shape == shape]))
    return tuple(classes)


def _class(pool: str, shape: str, members: list[Standing]) -> OwnedOffer:
    smallest: Facts = min((each.host.facts for each in members), key=lambda facts: facts.memory_mib)
    key = OfferKey(CLOUD, pool, "", shape, smallest.accelerator, smallest.accelerators * MILLI, Market.OWNED)
    offer = Offer(
        key=key,
        vcpus_milli=smallest.cpus_milli,
        memory_mib=smallest.memory_mib,
        accelerator_memory_mib=smallest.accelerator_memory_mib,
        arch=smallest.arch,
        price_micro_usd=members[0].host.price_micro_usd,
    )
    return OwnedOffer(offer, sum(each.free for each in members), room(shape, members))
