"""Sources by name: this project's own, and those of entry points of the group ``sky.catalog_sources``.

Nothing is imported before it is used, so a provider's library is needed only for that provider.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from catalog.errors import UserError
from catalog.sources.base import Source

GROUP = "sky.catalog_sources"

BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "aws": "catalog.sources.aws:Aws",
        "azure": "catalog.sources.azure:Azure",
        "gcp": "catalog.sources.gcp:Gcp",
    }
)
"""Name -> ``module:factory`` of the sources in this distribution."""

_registered: dict[str, Callable[[], Source]] = {}


def names() -> tuple[str, ...]:
    """Return the names of all sources, sorted."""
    return tuple(sorted({*BUILT_IN, *_registered, *_entry_points()}))


def load(name: str) -> Source:
    """Return the source of that name.

    Raises ``UserError`` for an unknown name (with the nearest one), or when what it needs is not installed.
    """
    if name in _registered:
        return _registered[name]()
    target = BUILT_IN.get(name) or _entry_points().get(name)
    if target is None:
        near = difflib.get_close_matches(name.lower(), names(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(names()) or 'none'}."
        raise UserError(f"there is no catalog source {name!r}: {hint}")
    module, _, attribute = target.partition(":")
    try:
        factory: Callable[[], Source] = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise UserError(
            f"the catalog source {name!r} needs the package {error.name or module!r}, which is not installed:"
            " install the extra [catalog] of this project"
        ) from error
    return factory()


def register(name: str, factory: Callable[[], Source]) -> None:
    """Make a source known in this process only, in place of any of the same name."""
    _registered[name] = factory


def unregister(name: str) -> None:
    """Take back ``register``; unknown names are fine."""
    _registered.pop(name, None)


@cache
def _entry_points() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}
