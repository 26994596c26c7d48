"""Google Compute Engine as an infra: a cluster is instances that carry its label."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executors.api import Executor

__all__ = ["executor"]


def executor() -> Executor:
    """Return the executor of the project that the credentials on this machine lead to."""
    from executors.gcp.bundle import bundle

    return bundle()
