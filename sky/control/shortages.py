"""Shortages: what refused earlier launches of this machine, and is believed to refuse still."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from catalog.offer import Offer
from catalog.units import format_seconds
from executors.errors import AuthError
from executors.owned import CLOUDS
from sky.control.place import scope_text
from sky.control.records import Attempt, scope_to_dict
from sky.control.refusals import reason_of
from sky.control.state import Store

_DAY_S = 86_400
_NOTED = 3


def in_force(store: Store) -> list[Attempt]:
    """Return the shortages of rented places that hold now, the least certain first, one for each scope.

    Refused credentials are no shortage, and owned nodes say themselves what is free.
    """
    newest: dict[tuple[object, int], Attempt] = {}
    for attempt in store.standing_attempts():
        if attempt.kind != AuthError.__name__ and attempt.scope.cloud not in CLOUDS:
            newest[attempt.scope, attempt.num_nodes] = attempt
    now = store.now()
    return sorted(newest.values(), key=lambda attempt: (certainty(attempt, now), attempt.at))


def certainty(attempt: Attempt, now: int) -> float:
    """Return how much it is still believed: 1 when it was refused, falling evenly to 0 at its end."""
    return max(0.0, (attempt.at + attempt.ttl_s - now) / attempt.ttl_s) if attempt.ttl_s > 0 else 0.0


def disproved(store: Store, offer: Offer, num_nodes: int) -> None:
    """End every shortage that a success with ``num_nodes`` of ``offer`` shows to be over."""
    over = [
        attempt
        for attempt in store.standing_attempts()
        if attempt.num_nodes <= num_nodes and attempt.scope.matches(offer.key)
    ]
    store.end_attempts(over)


def forget(store: Store, shortages: Sequence[Attempt]) -> None:
    """End these now, and what older attempts say of the same places."""
    scopes = {attempt.scope for attempt in shortages}
    store.end_attempts(attempt for attempt in store.standing_attempts() if attempt.scope in scopes)


def within(attempt: Attempt, places: Sequence[str]) -> bool:
    """Return whether its scope lies in one of ``places`` (``aws``, ``aws/us-east-1``), if any are given."""
    scope = attempt.scope
    where = [part or "" for part in (scope.cloud, scope.region, scope.zone)]
    return not places or any(
        where[: len(parts)] == parts for parts in (place.strip("/").split("/") for place in places)
    )


def notes(shortages: Sequence[Attempt], now: int) -> list[str]:
    """Return a sentence on each of the first, and one on how many more there are."""
    said = [note(each, now) for each in shortages[:_NOTED]]
    if len(shortages) > _NOTED:
        more = len(shortages) - _NOTED
        said.append(f"{more} more {'places' if more > 1 else 'place'} refused lately (sky failover)")
    return said


def note(attempt: Attempt, now: int) -> str:
    """Return why a place is left out, and until when."""
    nodes = f"{attempt.num_nodes} nodes of " if attempt.num_nodes > 1 else ""
    return (
        f"{nodes}{scope_text(attempt.scope)} refused {ago_text(now - attempt.at)} ago "
        f"({reason_of(attempt.kind)}), not tried again until {until_text(attempt, now)} "
        "unless nothing else fits"
    )


def ago_text(seconds: int) -> str:
    """Return a time that has passed in its largest unit: ``40 s``, ``3 min``, ``2h 5m``."""
    if seconds < 60:
        return f"{max(seconds, 0)} s"
    return f"{seconds // 60} min" if seconds < 3_600 else format_seconds(seconds)


def until_text(attempt: Attempt, now: int) -> str:
    """Return when it ends on this machine's clock: ``14:05``, with the date where that is days away."""
    end = attempt.at + attempt.ttl_s
    far = end - now >= _DAY_S
    return time.strftime("%Y-%m-%d %H:%M" if far else "%H:%M", time.localtime(end))


def to_dict(attempt: Attempt, now: int) -> dict[str, Any]:
    """Return it as plain values, for programs."""
    return {
        "scope": scope_to_dict(attempt.scope),
        "num_nodes": attempt.num_nodes,
        "kind": attempt.kind,
        "reason": reason_of(attempt.kind),
        "message": attempt.message,
        "cluster": attempt.cluster_name,
        "at": attempt.at,
        "until": attempt.at + attempt.ttl_s,
        "certainty": round(certainty(attempt, now), 3),
    }
