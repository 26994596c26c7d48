"""Facts about what can be rented: offers with prices, the names in them, accelerators, and transfer prices.

The lowest layer: it imports no other package of ours, and ``errors``, ``units``, ``offer``, ``scope``,
``names``, ``accelerators`` and ``transfer`` load no Arrow. ``store`` opens the snapshot in use, ``query``
filters it, and ``build`` makes the embedded one from the fact files. ``docs/catalog.md`` describes the data.
"""

from __future__ import annotations

__all__: list[str] = []
