"""From facts to a plan: a pure function of the request, the catalog table and the transfer table.

The straight line, one module a step: ``request`` -> ``candidates`` -> ``problem`` -> ``solve``, stage by
stage (``stages``, which share a ``search``) -> ``result`` -> ``assemble`` -> ``plan``. No I/O, no clock but
the solver's own, no cloud's name. The mathematics is in ``docs/model.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solver.api import solve_request
    from solver.params import Params
    from solver.plan import Plan

__all__ = ["Params", "Plan", "solve_request"]

_HOME = {"Params": "solver.params", "Plan": "solver.plan", "solve_request": "solver.api"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
