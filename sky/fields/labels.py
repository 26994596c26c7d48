"""Labels to put on the nodes, checked against the rules of the cloud."""

from __future__ import annotations

from collections.abc import Mapping

from sky import clouds
from sky.exceptions import SpecError


def parse(labels: object, cloud: clouds.Cloud | None) -> tuple[tuple[str, str], ...]:
    """Return ``labels`` sorted by key. Raises ``SpecError`` for one that no cloud in question takes."""
    if not labels:
        return ()
    if not isinstance(labels, Mapping):
        raise SpecError(f"must be a mapping, not {labels!r}", "labels")
    for key, value in labels.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise SpecError(f"{key!r}: {value!r} must be text on both sides; quote it", "labels", str(key))
        problem = _problem(key, value, cloud)
        if problem is not None:
            raise SpecError(problem, "labels", key)
    return tuple(sorted(labels.items()))


def _problem(key: str, value: str, cloud: clouds.Cloud | None) -> str | None:
    asked = [type(cloud)] if cloud is not None else clouds.ALL_CLOUDS
    problems = [each.label_rule.problem(key, value) for each in asked if each.label_rule is not None]
    return problems[0] if problems and None not in problems else None
