"""Sources of facts: one file a provider, found by name through ``registry``."""

from __future__ import annotations

__all__: list[str] = []
