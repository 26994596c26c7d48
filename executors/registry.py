"""Executors by name: found through entry points of the group ``sky.executors``, loaded on use.

This project's own are known by name as well, so that they load from a checkout and cost no scan of the
installed distributions; the names are the same as the entry points in ``pyproject.toml``.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from catalog.errors import UserError
from executors.api import Executor

GROUP = "sky.executors"

BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "aws": "executors.aws:executor",
        "gcp": "executors.gcp:executor",
        "kubernetes": "executors.kubernetes:executor",
        "local": "executors.local:executor",
        "ssh": "executors.ssh:executor",
        "slurm": "executors.slurm:executor",
    }
)
"""Name -> ``module:factory`` of the executors in this distribution."""

_registered: dict[str, Callable[[], Executor]] = {}
_loaded: dict[str, Executor] = {}


def names() -> tuple[str, ...]:
    """Return the names of all executors that can be loaded, sorted."""
    return tuple(sorted({*BUILT_IN, *_registered, *_entry_points()}))


def load(name: str) -> Executor:
    """Return the executor of that name, made once per process.

    Raises ``UserError`` for an unknown name (with the nearest ones), or when what it needs is not installed.
    """
    if name not in _loaded:
        _loaded[name] = _factory(name)()
    return _loaded[name]


def register(name: str, factory: Callable[[], Executor]) -> None:
    """Make an executor known in this process only, in place of any of the same name."""
    _registered[name] = factory
    _loaded.pop(name, None)


def unregister(name: str) -> None:
    """Take back ``register``; unknown names are fine."""
    _registered.pop(name, None)
    _loaded.pop(name, None)


def _factory(name: str) -> Callable[[], Executor]:
    if name in _registered:
        return _registered[name]
    target = BUILT_IN.get(name) or _entry_points().get(name)
    if target is None:
        raise UserError(_unknown(name))
    module, _, attribute = target.partition(":")
    try:
        factory: Callable[[], Executor] = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        missing = f"executor {name!r} needs the package {error.name or module!r}, which is not installed: "
        own = name in BUILT_IN
        fix = f"install the extra [{name}] of this project" if own else f"install it, or what brings {module}"
        raise UserError(missing + fix) from error
    return factory


def _unknown(name: str) -> str:
    known = names()
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(known)}."
    return (
        f"there is no executor {name!r}: {hint} Other infras come with packages that declare an entry point "
        f"in the group {GROUP!r}"
    )


@cache
def _entry_points() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}
