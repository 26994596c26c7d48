"""Gates that compare: a price with the one in use, with other regions, and with its family.

List prices move together. A family is cut in price everywhere, a type follows its family from region to
region by nearly one factor: in the embedded snapshot, 99 % of prices lie within 4 % (AWS), 11 % (Azure) and
12 % (GCP) of what their peers foretell, and none is as far as twice. A price for Windows, a dedicated host,
another currency or another unit is not in step, and that shows, even where it would be a believable price.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log

import numpy as np

from catalog.families import is_burstable
from catalog.gates.subject import Doubt, Figures, RowGate, SourceGate, Subject, medians, pairs

ALONE = log(1.05)
"""A price in use may move this far from how its peers moved."""
LOCAL = log(1.25)
"""A whole family may move this far in one region without the other regions."""
PEERS = log(1.5)
"""A new or moved price may be this far from what the same type in other regions foretells."""
SIZES = log(10)
"""And this far from what its family asks for a vCPU or an accelerator, whichever is nearer."""
FEW = 3
"""Fewer peers than this foretell nothing."""

MOVED = log(1.02)
MOVED_SHARE = 0.5
"""A source is held back when more than half of its prices moved by more than 2 %,"""
JUMPED = log(1.25)
JUMPED_SHARE = 0.2
"""or more than a fifth by more than 25 %."""


def _alone(subject: Subject) -> Iterator[Doubt]:
    """Doubt a move that neither the family in that region nor the type in other regions made."""
    move, one = subject.move, _one_of_each_cell(subject)
    shown = np.where(one, move, np.nan)
    near = medians(shown, pairs(subject.families, subject.regions), FEW)
    same = medians(shown, subject.types, FEW)
    family = medians(shown, subject.families, FEW)
    peers = np.where(np.isnan(near) & np.isnan(same), family, np.nan)
    usual = np.where(np.isnan(peers), np.nanmedian(shown) if (~np.isnan(shown)).any() else 0.0, peers)
    distance = np.fmin(np.abs(move - near), np.abs(move - same))
    distance = np.where(np.isnan(distance), np.abs(move - usual), distance)
    with np.errstate(invalid="ignore"):
        yield (np.abs(move) > ALONE) & (distance > ALONE), "has a price that moved, and its peers' did not"


def _local(subject: Subject) -> Iterator[Doubt]:
    """Doubt a large move that other regions did not make, even where the family made it together."""
    move = subject.move
    shown = np.where(_one_of_each_cell(subject), move, np.nan)
    elsewhere = medians(shown, subject.types, FEW)
    family = medians(shown, subject.families, FEW)
    usual = np.where(np.isnan(elsewhere), family, elsewhere)
    with np.errstate(invalid="ignore"):
        yield (
            (np.abs(move) > LOCAL) & (np.abs(move - usual) > LOCAL),
            "has a price that moved by more than 25 %, and in other regions it did not",
        )


def _peers(subject: Subject) -> Iterator[Doubt]:
    """Doubt new and moved prices that are out of line with the type elsewhere, or with the family."""
    with np.errstate(invalid="ignore"):
        known = np.abs(subject.move) <= ALONE
    usual = np.where(_one_of_each_cell(subject), np.log(subject.price), np.nan)
    trusted = np.where(known, np.log(subject.old_price), usual)
    shown = np.where(_one_of_each_cell(subject), trusted, np.nan)
    by_region = _distance_to_other_regions(subject, shown)
    by_size = _distance_to_family(subject, shown)
    with np.errstate(invalid="ignore"):
        yield ~known & (by_region > PEERS), "is out of line with the same type in other regions"
        yield ~known & (by_size > SIZES), "is out of line with other sizes of its family"


def _distance_to_other_regions(subject: Subject, shown: Figures) -> Figures:
    price = np.log(subject.price)
    relative = shown - medians(shown, subject.types, FEW)
    near = medians(relative, pairs(subject.families, subject.regions), FEW)
    region = medians(relative, subject.regions, FEW)
    factor = np.where(np.isnan(near), region, near)
    return np.abs(price - medians(shown, subject.types, FEW) - factor)


def _distance_to_family(subject: Subject, shown: Figures) -> Figures:
    price = np.log(subject.price)
    distance = np.full(subject.rows, np.nan)
    for column in ("vcpus", "accelerator_count"):
        units = np.log(subject.figures(column))
        usual = medians(shown - units, pairs(subject.families, subject.accelerators), FEW)
        distance = np.fmin(distance, np.abs(price - units - usual))
    names = subject.facts["instance_type"].to_pylist()
    burstable = {name for name in set(names) if is_burstable(subject.cloud, name)}
    return np.where(np.array([name in burstable for name in names], np.bool_), np.nan, distance)


def _one_of_each_cell(subject: Subject) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return one row of each type and region, so that a region with many zones counts once."""
    chosen = np.zeros(subject.rows, np.bool_)
    chosen[np.unique(subject.cells, return_index=True)[1]] = True
    return chosen


def _moved(subject: Subject) -> str:
    shown = np.abs(subject.move[_one_of_each_cell(subject)])
    shown = shown[~np.isnan(shown)]
    if not len(shown):
        return ""
    moved, jumped = float(np.mean(shown > MOVED)), float(np.mean(shown > JUMPED))
    if moved <= MOVED_SHARE and jumped <= JUMPED_SHARE:
        return ""
    median = float(np.expm1(np.median(shown)))
    return (
        f"{moved:.0%} of the prices moved by more than 2 % and {jumped:.0%} by more than 25 %"
        f" (median {median:.0%})"
    )


ALONE_GATE = RowGate("alone", "no price moves by more than 5 % unless its peers do", _alone)
LOCAL_GATE = RowGate("local", "no family moves by more than 25 % in one region alone", _local)
PEERS_GATE = RowGate("peers", "new prices are in line with other regions and sizes", _peers)
MOVED_GATE = SourceGate("moved", "most prices stay within 2 %, and four of five within 25 %", _moved)
