"""Refusals: the places that said no to one launch, why, and how that is told at its end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalog.offer import Market, Offer
from catalog.scope import Scope
from catalog.units import usd
from executors.errors import AuthError, Declined, OutOfCapacity, QuotaExceeded, ScopedError
from sky.control.place import accelerators_of, key_text, offer_scope, planned_scope, price_text
from sky.control.records import Attempt, ClusterRecord
from sky.exceptions import ResourcesUnavailableError

REFUSED = (Declined, OutOfCapacity, QuotaExceeded, AuthError)
"""The errors that say no for a place, subclasses first; every other one is the user's, or ends the launch."""

_REASONS = {
    "Declined": "declined",
    "OutOfCapacity": "no capacity",
    "QuotaExceeded": "over quota",
    "AuthError": "not authorized",
}
_ROWS = 20


@dataclass(frozen=True, slots=True)
class Refusal:
    """A place that refused: its offer and number of nodes, the error, when (epoch) and after how long."""

    offer: Offer
    num_nodes: int
    error: ScopedError
    at: int
    seconds: float

    @property
    def kind(self) -> str:
        """Which of ``REFUSED`` the error is."""
        return next(kind.__name__ for kind in REFUSED if isinstance(self.error, kind))

    @property
    def reason(self) -> str:
        """The kind in words."""
        return reason_of(self.kind)

    @property
    def tells_more(self) -> bool:
        """Whether the error's words add to its kind: all but that a cloud's place is full.

        On machines of one's own they say which of them does not answer, and who holds it.
        """
        return self.kind != "OutOfCapacity" or self.offer.key.market is Market.OWNED

    @property
    def scope(self) -> Scope:
        """The offers for which it holds: the error's scope, or this very offer where that misses it."""
        scope = self.error.scope
        return planned_scope(scope) if scope.matches(self.offer.key) else offer_scope(self.offer.key)

    def attempt(self, record: ClusterRecord) -> Attempt:
        """Return it as what is stored of the try to make ``record``."""
        return Attempt(
            cluster_name=record.cluster_name,
            cluster_id=record.cluster_id,
            at=self.at,
            kind=self.kind,
            scope=self.scope,
            ttl_s=self.error.ttl_s,
            message=str(self.error),
            num_nodes=self.num_nodes,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for programs."""
        key = self.offer.key
        return {
            "cloud": key.cloud,
            "region": key.region,
            "zone": key.zone or None,
            "instance_type": key.instance_type,
            "accelerators": accelerators_of(key),
            "use_spot": key.market is Market.SPOT,
            "num_nodes": self.num_nodes,
            "price_usd_per_hour": usd(self.offer.price_micro_usd),
            "kind": self.kind,
            "reason": self.reason,
            "message": str(self.error),
            "scope": str(self.scope),
            "ttl_s": self.error.ttl_s,
            "at": self.at,
            "seconds": round(self.seconds, 1),
        }

    def __str__(self) -> str:
        said = f": {self.error}" if self.tells_more else ""
        return f"{key_text(self.offer.key)}: {self.reason} ({self.seconds:.1f} s){said}"


def reason_of(kind: str) -> str:
    """Return a stored kind of refusal in words."""
    return _REASONS.get(kind, kind)


def exhausted(refusals: Sequence[Refusal]) -> ResourcesUnavailableError:
    """Return the error of a launch that every place refused: a table of attempts, and each as values."""
    lines = ["no place that fits takes this launch now. What was tried:", *_table(refusals)]
    lines += dict.fromkeys(f"{each.reason}: {each.error}" for each in refusals if each.tells_more)
    later = any(isinstance(each.error, OutOfCapacity) for each in refusals)
    again = "Try again later or with --retry-until-up, allow" if later else "Allow"
    lines.append(f"Nothing else fits. {again} other resources, or enable other infra (sky check).")
    raised = ResourcesUnavailableError("\n".join(lines), failover_history=[each.error for each in refusals])
    raised.attempts = [each.to_dict() for each in refusals]
    return raised


def _table(refusals: Sequence[Refusal]) -> list[str]:
    rows: list[tuple[str, ...]] = [("PLACE", "INSTANCE", "MARKET", "PRICE", "REASON", "AT", "TOOK")]
    rows += [_row(each) for each in refusals[-_ROWS:]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    if len(refusals) > _ROWS:
        lines.insert(1, f"  ... {len(refusals) - _ROWS} earlier ones")
    return lines


def _row(refusal: Refusal) -> tuple[str, ...]:
    key = refusal.offer.key
    return (
        "/".join(part for part in (key.cloud, key.zone or key.region) if part),
        key.instance_type,
        key.market.value,
        price_text(refusal.offer),
        refusal.reason,
        time.strftime("%H:%M:%S", time.localtime(refusal.at)),
        f"{refusal.seconds:.1f} s",
    )
