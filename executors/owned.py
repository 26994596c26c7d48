"""Offers that no catalog holds, since they are owned and not rented: this machine, pools, clusters of others.

Each kind is a package with two functions: ``has_offers``, which costs nothing where there are none, and
``owned_offers``.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from catalog.offer import Offer

_PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        "kubernetes": "executors.kubernetes",
        "local": "executors.local",
        "slurm": "executors.slurm",
        "ssh": "executors.ssh",
    }
)

CLOUDS: frozenset[str] = frozenset(_PACKAGES)
"""The names of owned infra."""


@dataclass(frozen=True, slots=True)
class OwnedOffer:
    """Equal nodes at one place: one of them as an offer, how many can be had now, and a sentence on that."""

    offer: Offer
    free: int = 1
    room: str = ""


class Look:
    """Offers as they are now or were at most ``fresh_s`` ago: one look serves all plans of a command."""

    def __init__(self, look: Callable[[], Iterable[OwnedOffer]], fresh_s: float) -> None:
        self._look, self._fresh_s = look, fresh_s
        self._last: tuple[float, tuple[OwnedOffer, ...]] | None = None

    def __call__(self) -> tuple[OwnedOffer, ...]:
        """Return them."""
        now = time.monotonic()
        if self._last is None or now - self._last[0] > self._fresh_s:
            self._last = (now, tuple(self._look()))
        return self._last[1]

    def forget(self) -> None:
        """Look again at the next call."""
        self._last = None


def has_offers(cloud: str) -> bool:
    """Return whether there is anything of that kind here."""
    there: bool = _package(cloud).has_offers()
    return there


def owned_offers(cloud: str) -> Sequence[OwnedOffer]:
    """Return what there is of that kind now; none where there is nothing."""
    found: Sequence[OwnedOffer] = _package(cloud).owned_offers()
    return found


def offers_of(clouds: Collection[str]) -> Iterator[OwnedOffer]:
    """Yield what there is now of those kinds of owned infra that are among ``clouds``."""
    for cloud in sorted(CLOUDS.intersection(clouds)):
        if has_offers(cloud):
            yield from owned_offers(cloud)


def _package(cloud: str) -> Any:
    return importlib.import_module(_PACKAGES[cloud])
