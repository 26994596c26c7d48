"""Explain: why nothing fits a task, what comes nearest, and the smallest change that would help."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from itertools import combinations, pairwise

import numpy as np

from catalog.errors import Infeasible
from catalog.scope import Scope
from catalog.units import MIB_PER_GIB, MICRO, MILLI, format_milli, format_usd
from solver.candidates import select
from solver.columns import Columns, Ints, Mask
from solver.filters import MARKETS, RowFilter, filters_of, prices
from solver.plan import Filter
from solver.request import Range, Requirement, TaskRequest

_NEAREST = 5


def infeasible(columns: Columns, task: TaskRequest, blocks: tuple[Scope, ...]) -> Infeasible:
    """Return the error that says why no offer satisfies ``task``."""
    every = (*blocks, *task.blocks)
    many = len(task.requirements) > 1
    lines = [f"no offer satisfies task {task.name!r}"]
    filters: list[Filter] = []
    suggestions: list[str] = []
    for requirement in task.requirements:
        _, kept, _ = select(columns, requirement, every)
        prefix = f"{requirement.label}: " if many else ""
        lines.append(f"  {prefix}{_last_step(kept)}")
        filters += [Filter(prefix + one.name, one.kept) for one in kept]
        suggestions += [prefix + text for text in _suggestions(columns, requirement, every)]
    if not task.requirements:
        lines.append("  it accepts no kind of node at all")
    lines += [f"  try: {text}" for text in suggestions]
    return Infeasible(
        "\n".join(lines), task=task.name, filters=tuple(filters), suggestions=tuple(suggestions)
    )


def _last_step(kept: list[Filter]) -> str:
    """Say which filter removed the last offers."""
    for before, after in pairwise(kept):
        if not after.kept:
            left = "1 offer was" if before.kept == 1 else f"{before.kept:,} offers were"
            return f"{left} left before {after.name!r}, none after it"
    return "the catalog is empty"


def _suggestions(columns: Columns, requirement: Requirement, blocks: tuple[Scope, ...]) -> list[str]:
    """Return the smallest sets of filters that would have to go, each with what would then be found."""
    steps = [
        _asked(requirement, step) if step.kind == "market" else step
        for step in filters_of(columns, replace(requirement, markets=MARKETS), blocks)
    ]
    for size in (1, 2, 3):
        found = []
        for dropped in combinations(steps, size):
            alive = _alive(columns, steps, dropped)
            if np.any(alive):
                found.append(_sentence(columns, requirement, dropped, alive))
        if found:
            return found
    return []


def _asked(requirement: Requirement, step: RowFilter) -> RowFilter:
    """Return the market filter over all markets: which of them the requirement accepts."""
    return replace(step, mask=np.array([[market in requirement.markets] for market in MARKETS]))


def _sentence(columns: Columns, requirement: Requirement, dropped: tuple[RowFilter, ...], alive: Mask) -> str:
    words = []
    for step in dropped:
        text, alive = _change(columns, requirement, step, alive)
        words.append(text)
    count = int(np.count_nonzero(alive))
    return f"{' and '.join(words)} ({count:,} {'offer' if count == 1 else 'offers'})"


def _alive(columns: Columns, steps: list[RowFilter], dropped: tuple[RowFilter, ...]) -> Mask:
    """Return which offers, as (markets, rows), pass all steps but those ``dropped``.

    Where a size is given up, offers of unknown size do not count: there is no figure to suggest.
    """
    alive = np.stack([prices(columns, market) >= 0 for market in MARKETS])
    for step in steps:
        if step not in dropped:
            alive &= step.mask
        elif step.kind in _SIZES:
            alive &= columns.value[_SIZES[step.kind]] > 0
    return alive


def _change(columns: Columns, requirement: Requirement, step: RowFilter, alive: Mask) -> tuple[str, Mask]:
    """Say what giving up ``step`` means, and which of the ``alive`` offers the words speak of."""
    rows = np.flatnonzero(alive.any(axis=0))
    if step.kind in ("cloud", "region", "zone", "instance_type"):
        wanted = getattr(requirement, step.kind)
        offered = _names(columns, step.kind, rows, wanted)
        return f"another {step.kind.replace('_', ' ')} than {wanted}: {offered}", alive
    if step.kind == "clouds":
        return f"more clouds: {_names(columns, 'cloud', rows, '')}", alive
    if step.kind == "accelerators":
        return _accelerators(columns, requirement, alive)
    if step.kind in _SIZES:
        return _size(columns, requirement, step.kind, alive)
    if step.kind == "max_price":
        price = np.stack([prices(columns, market) for market in MARKETS])
        least = _round_up(int(price[alive].min()))
        return f"a price of at least {format_usd(least)}/h", alive & (price <= least)
    if step.kind == "market":
        sold = [market.value for market, offered in zip(MARKETS, alive, strict=True) if offered.any()]
        return f"another market: {' or '.join(sold)}", alive
    if step.kind == "arch":
        return f"another architecture: {_names(columns, 'arch', rows, '')}", alive
    return _WORDS.get(step.kind, f"without {step.name!r}"), alive


_SIZES = {"vcpus": "vcpus_milli", "memory": "memory_mib"}
"""The column of each size that can be asked for."""


_WORDS = {
    "memory_per_vcpu": "less memory per vCPU, or none stated",
    "burstable": "allow burstable instances",
    "bare_metal": "allow bare metal",
    "restricted_region": "allow restricted regions",
    "blocks": "lift the blocks",
}


def _names(columns: Columns, field: str, rows: Ints, wanted: str) -> str:
    """List the names of ``field`` among ``rows``, those alike to ``wanted`` first."""
    codes = np.unique(columns.code[field][rows])
    names = [columns.names[field][int(code)] or "(none)" for code in codes]
    near = get_close_matches(wanted, names, n=_NEAREST, cutoff=0.6) if wanted else []
    shown = near or names[:_NEAREST]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _accelerators(columns: Columns, requirement: Requirement, alive: Mask) -> tuple[str, Mask]:
    """List the counts that exist of the wanted accelerators, else the accelerators that do.

    A name that the catalog does not know is taken for a misspelling of the nearest ones.
    """
    wanted = list(dict.fromkeys(one.name for one in requirement.accelerators))
    known = columns.names["accelerator"]
    similar = [near for name in wanted if name not in known for near in get_close_matches(name, known, n=3)]
    counts = columns.value["accelerator_count_milli"]
    anywhere = alive.any(axis=0)
    exist = []
    named = np.zeros(len(columns), dtype=bool)
    for name in dict.fromkeys([*wanted, *similar]):
        of_name = columns.equals("accelerator", name)
        offered = np.unique(counts[anywhere & of_name])
        if len(offered):
            named |= of_name
            exist.append(f"{name} in counts of {', '.join(format_milli(int(count)) for count in offered)}")
    if exist:
        return "; ".join(exist), alive & named
    others = ~columns.equals("accelerator", "")
    if not np.any(anywhere & others):
        return "no accelerator", alive
    names = _names(columns, "accelerator", np.flatnonzero(anywhere & others), wanted[0])
    return f"other accelerators: {names}", alive & others


def _size(columns: Columns, requirement: Requirement, kind: str, alive: Mask) -> tuple[str, Mask]:
    """Name the nearest sizes on offer."""
    values = columns.value[_SIZES[kind]]
    near = _nearest(values[alive.any(axis=0)], getattr(requirement, _SIZES[kind]))
    text = f"vCPUs {_or(near, MILLI)}" if kind == "vcpus" else f"memory {_or(near, MIB_PER_GIB)} GiB"
    return text, alive & np.isin(values, near)


def _round_up(micro: int) -> int:
    """Return the next amount that ``format_usd`` shows in full, so that asking for it is enough."""
    unit = MICRO // 100 if micro >= MICRO else 10 ** max(len(str(micro)) - 4, 0)
    return -(-micro // unit) * unit


def _nearest(values: Ints, wanted: Range) -> list[int]:
    """Return the nearest value on either side of the wanted range."""
    near = []
    if wanted.lower is not None and np.any(values < wanted.lower):
        near.append(int(values[values < wanted.lower].max()))
    if wanted.upper is not None and np.any(values > wanted.upper):
        near.append(int(values[values > wanted.upper].min()))
    return near


def _or(values: list[int], unit: int) -> str:
    return " or ".join(f"{value / unit:g}" for value in values)
