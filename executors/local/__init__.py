"""This machine as an infra: a cluster is a folder with its own home, free and always there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.offer import Offer
    from executors.api import Executor
    from executors.owned import OwnedOffer

__all__ = ["executor", "has_offers", "offer", "owned_offers"]


def executor() -> Executor:
    """Return the executor of this machine; its clusters are under ``SKY_HOME/local``."""
    from executors.local.bundle import bundle

    return bundle()


def offer() -> Offer:
    """Return this machine as an offer: its usable vCPUs, memory and accelerators, price 0."""
    from executors.local.machine import offer as detect

    return detect()


def has_offers() -> bool:
    """Return true: this machine is always there."""
    return True


def owned_offers() -> Sequence[OwnedOffer]:
    """Return this machine, of which there is one."""
    from executors.owned import OwnedOffer

    return (OwnedOffer(offer()),)
