"""Family: instances of one kind, drawn from a seed, and the sizes at which they are run."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import families
from bench.instance import Instance

if TYPE_CHECKING:
    from solver.request import Objective, Request


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of instance.

    ``sizes`` leads from a size's name to what ``generate`` gets as its size: the number of tasks, unless the
    family says otherwise. ``quick`` names the sizes of the short run. A family that is made of requests over
    the catalog has ``request``, so that the whole way from the request to the plan can be timed as well.
    """

    says: str
    generate: Callable[[int, int], Instance]
    sizes: Mapping[str, int]
    quick: tuple[str, ...] = ()
    seed: int = 1
    request: Callable[[int, int, Objective], Request] | None = None


def registry() -> dict[str, Family]:
    """Every family by name: the modules of ``bench.families``, each of which defines ``FAMILY``."""
    names = sorted(module.name for module in pkgutil.iter_modules(families.__path__))
    return {name: importlib.import_module(f"bench.families.{name}").FAMILY for name in names}


def instance_of(family: str, size: str) -> Instance:
    """Return the instance of a family at one of its sizes."""
    kind = registry()[family]
    return kind.generate(kind.sizes[size], kind.seed).named(f"{family}-{size}", family)
