"""Pools of the user's own machines as an infra, reached by SSH: a cluster takes whole hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executors.api import Executor
    from executors.owned import OwnedOffer

__all__ = ["executor", "has_offers", "owned_offers"]


def executor() -> Executor:
    """Return the executor of the pools that were brought up; what it knows of them is in ``SKY_HOME/ssh``."""
    from executors.ssh.bundle import bundle

    return bundle()


def has_offers() -> bool:
    """Return whether a pool is up."""
    from executors.ssh.places import pool_names

    return bool(pool_names())


def owned_offers() -> Sequence[OwnedOffer]:
    """Return every class of equal hosts of the pools that are up, asking the hosts which are free."""
    if not has_offers():
        return ()
    from executors.ssh.offers import host_classes

    return host_classes()
