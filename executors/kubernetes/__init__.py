"""Kubernetes as an infra: a cluster is a set of pods in a context of the user's kubeconfig."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executors.api import Executor
    from executors.owned import OwnedOffer

__all__ = ["executor", "has_offers", "owned_offers"]


def executor() -> Executor:
    """Return the executor of the contexts that the user's kubeconfig names."""
    import websocket as _needed  # noqa: F401  so that whoever lacks the extra learns it here

    from executors.kubernetes.bundle import bundle

    return bundle()


def has_offers() -> bool:
    """Return whether there is a kubeconfig, and what it takes to use it; two looks for a file."""
    from importlib.util import find_spec

    from executors.kubernetes.contexts import files

    return any(path.is_file() for path in files()) and find_spec("websocket") is not None


def owned_offers() -> Sequence[OwnedOffer]:
    """Return every share of a node that can be had, asking the contexts what they have."""
    if not has_offers():
        return ()
    from executors.kubernetes.offers import shares

    return shares()
