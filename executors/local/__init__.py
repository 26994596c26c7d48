"""This machine as an infra: a cluster is a folder with its own home, free and always there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.offer import Offer
    from executors.api import Executor

__all__ = ["executor", "offer"]


def executor() -> Executor:
    """Return the executor of this machine; its clusters are under ``SKY_HOME/local``."""
    from executors.local.bundle import bundle

    return bundle()


def offer() -> Offer:
    """Return this machine as an offer: its usable vCPUs, memory and accelerators, price 0."""
    from executors.local.machine import offer as detect

    return detect()
