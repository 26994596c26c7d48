"""Gates that need one row alone, or its twin: what cannot be true of any offer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

from catalog.accelerators import lookup
from catalog.facts import ARCHITECTURES
from catalog.gates.subject import Doubt, RowGate, Subject, group

VCPU_USD = (0.000_5, 2.0)
"""A vCPU hour with its memory: the embedded snapshot has 0.0014 (t4g.nano) to 0.72 (Azure M series)."""
ACCELERATOR_USD = (0.05, 150.0)
"""An accelerator hour: the embedded snapshot has 0.23 (Inferentia) to 54 (GB200)."""
SPOT_ABOVE = 1.02
"""Spot may be this many times the list price: some lists differ in their last digits, or by a day."""

SPOT_BELOW = 0.02
"""And is never less than this share of it: the embedded snapshot has 0.09 to 1."""


def _identity(subject: Subject) -> Iterator[Doubt]:
    yield subject.text("cloud") != subject.cloud, f"is not of {subject.cloud}"
    for column in ("region", "instance_type", "source"):
        yield subject.text(column) == "", f"has no {column}"
    known = np.isin(subject.text("arch").astype(str), ARCHITECTURES)
    yield ~known, f"has an architecture other than {' and '.join(ARCHITECTURES)}"


def _duplicate(subject: Subject) -> Iterator[Doubt]:
    rows = group(subject.keys.to_pylist())
    count = np.bincount(rows, minlength=1)[rows]
    yield count > 1, "has the key of another row"


def _price(subject: Subject) -> Iterator[Doubt]:
    yield np.isnan(subject.price), "has no price above zero"
    count, vcpus = subject.figures("accelerator_count"), subject.figures("vcpus")
    by_accelerator = ~np.isnan(count)
    many_chips = np.array([name.startswith("tpu-") for name in subject.text("accelerator_name")], np.bool_)
    unit = np.where(by_accelerator, subject.price / np.fmax(count, 1), subject.price / vcpus)
    low = np.where(by_accelerator, ACCELERATOR_USD[0], VCPU_USD[0])
    high = np.where(by_accelerator, np.where(many_chips, np.inf, ACCELERATOR_USD[1]), VCPU_USD[1])
    yield unit < low, "has a price that no provider ever asked, it is so low"
    yield unit > high, "has a price that no provider ever asked, it is so high"


def _spot(subject: Subject) -> Iterator[Doubt]:
    stated = pc.is_valid(subject.facts["spot_price"]).to_numpy()
    spot = subject.figures("spot_price")
    yield stated & np.isnan(spot), "has a spot price that is not above zero"
    yield spot > subject.price * SPOT_ABOVE, "has a spot price above the price on demand"
    yield spot < subject.price * SPOT_BELOW, "has a spot price that no provider ever asked, it is so low"
    rate = pc.fill_null(subject.facts["interruption_rate"], 0).to_numpy()
    yield ~((rate >= 0) & (rate <= 1)), "has an interruption rate outside 0 to 1"


def _accelerator(subject: Subject) -> Iterator[Doubt]:
    names = subject.text("accelerator_name")
    named, counted = names != "", ~np.isnan(subject.figures("accelerator_count"))
    yield counted & ~named, "has accelerators without a name"
    yield named & ~counted, "has an accelerator without a count"
    unknown = {name for name in set(names) if name and lookup(name) is None}
    doubted = np.array([name in unknown for name in names], np.bool_)
    yield doubted, f"has an unknown accelerator ({', '.join(sorted(unknown)[:5])})"


def _shape(subject: Subject) -> Iterator[Doubt]:
    tpu_host = np.array([name.startswith("tpu-") for name in subject.text("accelerator_name")], np.bool_)
    yield np.isnan(subject.figures("vcpus")) & ~tpu_host, "states no vCPUs"
    yield np.isnan(subject.figures("memory_gib")) & ~tpu_host, "states no memory"


ROW_GATES = (
    RowGate("identity", "every row names its place and its type, and is of the source's cloud", _identity),
    RowGate("duplicate", "no two rows have one key", _duplicate),
    RowGate("price", "prices are above zero and within what was ever asked", _price),
    RowGate("spot", "spot is above zero and at most the price on demand", _spot),
    RowGate("accelerator", "accelerators have a known name and a count", _accelerator),
    RowGate("shape", "vCPUs and memory are stated", _shape),
)
