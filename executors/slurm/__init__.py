"""Slurm clusters of others as an infra: reached by SSH at a login node, with nothing installed there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executors.api import Executor
    from executors.owned import OwnedOffer

__all__ = ["executor", "has_offers", "owned_offers"]


def executor() -> Executor:
    """Return the executor of the clusters that the user named."""
    from executors.slurm.bundle import bundle

    return bundle()


def has_offers() -> bool:
    """Return whether the user named a cluster; one look for a file."""
    from executors.slurm.clusters import path

    return path().is_file()


def owned_offers() -> Sequence[OwnedOffer]:
    """Return every share of a node that can be had, asking the clusters what they have."""
    if not has_offers():
        return ()
    from executors.slurm.offers import shares

    return shares()
