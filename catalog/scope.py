"""Scope: the part of the offer space that a block, a failure or a rule speaks of."""

from __future__ import annotations

from dataclasses import dataclass, fields

from catalog.errors import UserError
from catalog.offer import Market, OfferKey


@dataclass(frozen=True, slots=True)
class Scope:
    """A partial ``OfferKey``: ``None`` matches anything, a value matches only itself.

    At least one field must be set; an error uses the narrowest scope that its evidence supports.
    ``market=None`` matches on-demand and spot alike.
    """

    cloud: str | None = None
    region: str | None = None
    zone: str | None = None
    instance_type: str | None = None
    accelerator: str | None = None
    accelerator_count_milli: int | None = None
    market: Market | None = None

    def __post_init__(self) -> None:
        if all(getattr(self, field.name) is None for field in fields(self)):
            raise UserError(
                "a scope with no field set would match every offer; name at least a cloud or an instance type"
            )

    def matches(self, key: OfferKey) -> bool:
        """Return whether ``key`` lies inside this scope."""
        return all(
            wanted is None or wanted == getattr(key, field.name)
            for field in fields(self)
            for wanted in (getattr(self, field.name),)
        )

    def covers(self, other: Scope) -> bool:
        """Return whether every offer inside ``other`` is inside this scope too."""
        return all(
            mine is None or mine == getattr(other, field.name)
            for field in fields(self)
            for mine in (getattr(self, field.name),)
        )

    def __str__(self) -> str:
        count = self.accelerator_count_milli
        parts = (
            self.cloud,
            self.region,
            self.zone,
            self.instance_type,
            self.accelerator,
            str(count) if count else None,
            self.market and self.market.value,
        )
        return "/".join(part for part in parts if part)
