"""The quality gates: what a fetched table must pass to be published; ``catalog.quality`` applies them."""

from __future__ import annotations

__all__: list[str] = []
