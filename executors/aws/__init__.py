"""Amazon EC2 as an infra: a cluster is instances of one region and zone, found by their tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executors.api import Executor

__all__ = ["executor"]


def executor() -> Executor:
    """Return the executor of EC2; the SDK (extra ``[aws]``) is loaded when it is first asked something."""
    from executors.aws.bundle import bundle

    return bundle()
