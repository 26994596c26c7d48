"""The answer to a question, read from the raw fact files and so without the code that is measured."""

from __future__ import annotations

from bench.sample import ROOT


def cheapest_usd_per_hour(accelerator: str, count: int) -> float:
    """Return the lowest on-demand price of an x86-64 node with exactly these accelerators, anywhere."""
    from pyarrow import parquet

    prices = [
        row["price"]
        for file in sorted((ROOT / "catalog" / "data" / "facts").glob("*.parquet"))
        for row in parquet.read_table(file).to_pylist()
        if row["accelerator_name"] == accelerator
        and row["accelerator_count"] == count
        and row["arch"] in {"x86_64", None}
    ]
    return float(min(prices))
