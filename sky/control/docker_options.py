"""What is added to the ``docker run`` of a cluster's containers: the task's, else the user's configuration's.

It is recorded at launch, so that a container which is made again is as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sky import config
from sky.fields.docker_section import RUN_OPTIONS, parse, run_options

if TYPE_CHECKING:
    from sky.resources import Resources
    from sky.task import Task

_DOCKER = "docker"


def asked(task: Task) -> tuple[str, ...] | None:
    """Return the words that the task's own ``config`` has, ``None`` where it says nothing of them.

    Raises ``SpecError`` where they are wrong.
    """
    section = parse(task.config.get(_DOCKER, {}))
    return run_options(section) if RUN_OPTIONS in section else None


def config_of(task: Task) -> dict[str, Any]:
    """Return the configuration to record with a cluster that is launched for ``task``; empty for none."""
    words = asked(task)
    if words is None:
        words = run_options(config.get_nested((_DOCKER,), {}))
    return {_DOCKER: {RUN_OPTIONS: list(words)}} if words else {}


def recorded(resources: Resources) -> tuple[str, ...]:
    """Return the words that a cluster was launched with, from the request in its record."""
    return tuple(resources.cluster_config_overrides.get(_DOCKER, {}).get(RUN_OPTIONS, ()))
