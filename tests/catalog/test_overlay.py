"""Overlay: rules do row by row what their words say, in order, and leave everything else as it was."""

from __future__ import annotations

import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from catalog.overlay import MARK, Overlay, Pricing, Rule
from catalog.schema import KEY, OFFERS
from catalog.store import open_snapshot

WHOLE = open_snapshot(Path("/nonexistent")).table
SAMPLE = pa.concat_tables([WHOLE.slice(at, 40) for at in (0, 20_000, 60_000, 110_000)]).combine_chunks()

PATTERNS = {
    "cloud": st.sampled_from(["aws", "AWS", "a*", "gcp", "*"]),
    "region": st.sampled_from(["us-*", "eu*", "*-1", "australia?ast"]),
    "zone": st.sampled_from(["", "?*"]),
    "instance_type": st.sampled_from(["*.large", "Standard_*", "c[34]*", "none"]),
    "accelerator": st.sampled_from(["", "*", "T4", "A*"]),
}
PRICINGS = st.none() | st.builds(
    Pricing,
    micro_usd=st.none() | st.integers(0, 10**8),
    discount_ppm=st.integers(0, 1_000_000),
)
RULES = st.builds(
    Rule,
    label=st.just("a rule"),
    where=st.fixed_dictionaries({}, optional=PATTERNS),
    on_demand=PRICINGS,
    spot=PRICINGS,
    exclude=st.booleans(),
    exclude_spot=st.booleans(),
)


def paid(pricing: Pricing | None, price: int | None) -> int | None:
    """Say again, of one price, what a pricing does."""
    if pricing is None:
        return price
    if pricing.micro_usd is not None:
        return pricing.micro_usd
    return None if price is None else int(price * (1_000_000 - pricing.discount_ppm) / 1_000_000 + 0.5)


def expected(rules: list[Rule]) -> list[dict[str, Any]]:
    """Apply rules to the sample row by row."""
    rows = []
    for row in SAMPLE.to_pylist():
        kept, listed = True, dict(row)
        for rule in rules:
            if not all(fnmatchcase(row[c].lower(), p.lower()) for c, p in rule.where.items()):
                continue
            before = row["price_micro_usd"], row["spot_price_micro_usd"]
            row["price_micro_usd"] = paid(rule.on_demand, before[0])
            row["spot_price_micro_usd"] = paid(rule.spot, before[1])
            if rule.on_demand or (rule.spot and row["spot_price_micro_usd"] is not None):
                row["source"] = listed["source"] + MARK
            if rule.exclude_spot:
                row["spot_price_micro_usd"] = None
            if rule.exclude:
                kept = False
                break
        if kept:
            rows.append(row)
    return rows


@given(st.lists(RULES, max_size=3))
def test_rules_do_what_they_say(rules: list[Rule]) -> None:
    table, effects = Overlay(tuple(rules)).apply(SAMPLE)
    table.validate(full=True)
    assert table.schema.equals(OFFERS)
    assert table.to_pylist() == expected(rules)
    assert len(effects) == len(rules)


def test_effects_are_counted() -> None:
    h100 = {"cloud": "aws", "accelerator": "H100"}
    overlay = Overlay(
        (
            Rule("half", h100, on_demand=Pricing(discount_ppm=500_000)),
            Rule("no spot", {"cloud": "aws", "region": "us-east-1"}, exclude_spot=True),
            Rule("gone", {"cloud": "azure"}, exclude=True),
            Rule("nothing", {"region": "mars"}, on_demand=Pricing(micro_usd=1)),
        )
    )
    table, (half, no_spot, gone, nothing) = overlay.apply(WHOLE)
    rows = WHOLE.select([*KEY, "spot_price_micro_usd"]).to_pylist()
    assert (
        half.repriced == half.matched == sum(r["cloud"] == "aws" and r["accelerator"] == "H100" for r in rows)
    )
    here = [row for row in rows if row["cloud"] == "aws" and row["region"] == "us-east-1"]
    assert no_spot.matched == len(here)
    assert no_spot.excluded == sum(row["spot_price_micro_usd"] is not None for row in here)
    assert gone.excluded == sum(row["cloud"] == "azure" for row in rows)
    assert (nothing.matched, nothing.repriced, nothing.excluded) == (0, 0, 0)
    assert table.num_rows == WHOLE.num_rows - gone.excluded


def test_the_snapshot_stays_as_it_is() -> None:
    before = WHOLE.slice(0, 1_000).to_pylist()
    Overlay((Rule("free", {}, on_demand=Pricing(micro_usd=0)),)).apply(WHOLE)
    assert WHOLE.slice(0, 1_000).to_pylist() == before


def test_a_discount_after_a_discount_is_off_the_rest() -> None:
    half = Rule("half", {}, on_demand=Pricing(discount_ppm=500_000))
    table, _ = Overlay((half, half)).apply(SAMPLE)
    for was, now in zip(
        SAMPLE["price_micro_usd"].to_pylist(), table["price_micro_usd"].to_pylist(), strict=True
    ):
        assert abs(now - was / 4) <= 1
    assert all(source.count(MARK) == 1 for source in table["source"].to_pylist())


def test_neither_pandas_nor_arrow_compute_is_imported() -> None:
    code = (
        "import sys; from catalog.store import open_snapshot; from catalog.overlay import *;"
        "own = Rule('own', {'cloud': 'aws'}, spot=Pricing(micro_usd=1));"
        "Overlay((own, Rule('none', {'cloud': 'gcp'}, exclude=True))).apply(open_snapshot().table);"
        "sys.exit(bool({'pandas', 'pyarrow.compute'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
