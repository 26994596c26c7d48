"""Hypothesis strategies: small catalogs in the real schema, toy transfer tables, and requests over them.

Figures come from short lists, so that ties are common; sizes keep the oracle's enumeration small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from catalog.offer import Market
from catalog.schema import KEY, OFFERS, SPOT_VOLATILITY
from catalog.scope import Scope
from solver.request import (
    Accelerators,
    Basis,
    DataSource,
    Edge,
    Objective,
    Range,
    Request,
    Requirement,
    Risk,
    Runtime,
    TaskRequest,
)

GB = 10**9
CLOUDS = ("ares", "brio")
REGIONS = ("east", "north", "west")
ACCELERATORS = ("", "K1", "K2")
TYPES = ("large", "medium", "small")


@dataclass(frozen=True)
class ToyTransfers:
    """Network zones by region, or one a cloud; prices from a short list by pair of zones."""

    by_region: bool
    within_micro_usd_per_gb: int
    between_micro_usd_per_gb: int
    seconds_per_gb: int

    def zone_of(self, cloud: str, region: str) -> str:
        """Return the network zone."""
        return f"{cloud}/{region}" if self.by_region and region else cloud

    def cost_micro_usd(self, source_zone: str, target_zone: str, size_bytes: int) -> int:
        """Return the price: one within a cloud, another across; dearer out of the first cloud."""
        same = _cloud(source_zone) == _cloud(target_zone)
        unit = self.within_micro_usd_per_gb if same else self.between_micro_usd_per_gb
        return (unit + (unit // 2 if source_zone.startswith(CLOUDS[0]) else 0)) * size_bytes // GB

    def seconds(self, source_zone: str, target_zone: str, size_bytes: int) -> int:
        """Return the time: ten times as long across clouds."""
        same = _cloud(source_zone) == _cloud(target_zone)
        return self.seconds_per_gb * (1 if same else 10) * size_bytes // GB


def _cloud(zone: str) -> str:
    return zone.partition("/")[0]


transfers = st.builds(
    ToyTransfers,
    by_region=st.booleans(),
    within_micro_usd_per_gb=st.sampled_from([0, 10_000, 20_000]),
    between_micro_usd_per_gb=st.sampled_from([0, 20_000, 90_000]),
    seconds_per_gb=st.sampled_from([0, 1, 60]),
)


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """Return ``rows`` as a catalog table, in the order given, with the volatility of spot prices."""
    arrays = []
    schema = OFFERS.append(pa.field(SPOT_VOLATILITY, pa.int64()))
    for field in schema:
        values = [row[field.name] for row in rows]
        if pa.types.is_dictionary(field.type):
            words = sorted(set(values))
            codes = pa.array([words.index(value) for value in values], field.type.index_type)
            arrays.append(pa.DictionaryArray.from_arrays(codes, pa.array(words, pa.utf8())))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def row_of(**given: Any) -> dict[str, Any]:
    """Return one catalog row: a plain node, with the fields ``given``."""
    row: dict[str, Any] = {
        "cloud": "ares",
        "region": "east",
        "zone": "",
        "instance_type": "small",
        "arch": "x86_64",
        "accelerator": "",
        "source": "test",
        "vcpus_milli": 8_000,
        "memory_mib": 32_768,
        "accelerator_count_milli": 0,
        "accelerator_memory_mib": 0,
        "accelerator_gflops_bf16": 0,
        "accelerator_bandwidth_mbps": 0,
        "burstable": False,
        "bare_metal": False,
        "restricted_region": False,
        "price_micro_usd": 1_000_000,
        "spot_price_micro_usd": None,
        "interruption_ppm": None,
        "price_as_of": None,
        "spot_as_of": None,
        SPOT_VOLATILITY: None,
    }
    return row | given


@st.composite
def rows(draw: st.DrawFn, most: int = 8) -> list[dict[str, Any]]:
    """Return catalog rows with distinct keys, in key order."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for _ in range(draw(st.integers(1, most))):
        accelerator = draw(st.sampled_from(ACCELERATORS))
        price = draw(st.sampled_from([0, 500_000, 1_000_000, 1_000_000, 3_600_000]))
        row = row_of(
            cloud=draw(st.sampled_from(CLOUDS)),
            region=draw(st.sampled_from(REGIONS)),
            zone=draw(st.sampled_from(["", "a"])),
            instance_type=draw(st.sampled_from(TYPES)),
            arch=draw(st.sampled_from(["x86_64", "x86_64", "arm64"])),
            accelerator=accelerator,
            accelerator_count_milli=draw(st.sampled_from([1_000, 8_000])) if accelerator else 0,
            accelerator_gflops_bf16=draw(st.sampled_from([0, 100, 300])) if accelerator else 0,
            vcpus_milli=draw(st.sampled_from([0, 4_000, 8_000, 16_000])),
            memory_mib=draw(st.sampled_from([0, 16_384, 65_536])),
            burstable=draw(st.sampled_from([False, False, True])),
            price_micro_usd=price,
            spot_price_micro_usd=draw(st.sampled_from([None, price // 2, price])),
            interruption_ppm=draw(st.sampled_from([None, 0, 250_000, 999_999])),
            spot_volatility_ppm=draw(st.sampled_from([None, 0, 2_000_000])),
        )
        found[tuple(row[name] for name in KEY)] = row
    return [found[key] for key in sorted(found)]


runtimes = st.builds(
    Runtime,
    seconds=st.sampled_from([0, 60, 3_600]),
    basis=st.sampled_from(Basis),
    reference=st.sampled_from([0, 8_000, 300]),
    exponent=st.sampled_from([0.0, 0.5, 1.0]),
)


@st.composite
def requirements(draw: st.DrawFn, label: str = "r", spot: bool = True) -> Requirement:
    """Return a requirement that often admits something."""
    accelerators = tuple(
        Accelerators(name, count)
        for name, count in draw(
            st.lists(st.sampled_from([("K1", 1_000), ("K1", 8_000), ("K2", 1_000)]), max_size=2, unique=True)
        )
    )
    markets = (
        [(Market.ON_DEMAND,), (Market.SPOT,), (Market.SPOT, Market.ON_DEMAND)]
        if spot
        else [(Market.ON_DEMAND,)]
    )
    return Requirement(
        label=label,
        runtime=draw(runtimes),
        cloud=draw(st.sampled_from([None, None, None, *CLOUDS])),
        region=draw(st.sampled_from([None, None, None, *REGIONS])),
        clouds=draw(st.sampled_from([(), (), CLOUDS, CLOUDS[:1]])),
        vcpus_milli=draw(st.sampled_from([Range(), Range(), Range(4_000, None), Range(8_000, 8_000)])),
        memory_mib=draw(st.sampled_from([Range(), Range(), Range(16_384, None), Range(None, 16_384)])),
        memory_mib_per_vcpu=draw(st.sampled_from([None, None, 4_096])),
        accelerators=draw(st.sampled_from([(), accelerators])),
        runtimes=tuple(draw(runtimes) for _ in accelerators) if draw(st.booleans()) else (),
        markets=draw(st.sampled_from(markets)),
        archs=draw(st.sampled_from([("x86_64",), ("x86_64", "arm64"), ()])),
        allow_burstable=draw(st.booleans()),
        max_price_micro_usd=draw(st.sampled_from([None, None, 1_000_000])),
        risk=draw(st.sampled_from(Risk)),
        checkpoint_s=draw(st.sampled_from([None, None, 7, 600])),
    )


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    """Return a scope with at least one field set."""
    fields = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "cloud": st.sampled_from(CLOUDS),
                "region": st.sampled_from(REGIONS),
                "zone": st.sampled_from(["", "a"]),
                "instance_type": st.sampled_from(TYPES),
                "accelerator": st.sampled_from(ACCELERATORS),
                "accelerator_count_milli": st.sampled_from([0, 1_000]),
                "market": st.sampled_from([Market.ON_DEMAND, Market.SPOT]),
            },
        ).filter(bool)
    )
    return Scope(**fields)


@st.composite
def requests(draw: st.DrawFn, objective: Objective | None = None, most_tasks: int = 4) -> Request:
    """Return a request of up to ``most_tasks`` tasks over a directed acyclic graph."""
    count = draw(st.integers(1, most_tasks))
    small = count < 4
    tasks = []
    for at in range(count):
        kinds = draw(st.integers(1, 2)) if count < 3 else 1
        tasks.append(
            TaskRequest(
                name=f"t{at}",
                requirements=tuple(draw(requirements(f"r{kind}", spot=small)) for kind in range(kinds)),
                num_nodes=draw(st.sampled_from([1, 1, 3])),
                ordered=draw(st.booleans()),
                inputs=draw(st.sampled_from([(), (), (DataSource(CLOUDS[0], 10 * GB),)])),
                blocks=draw(st.sampled_from([(), ()])) if draw(st.booleans()) else (draw(scopes()),),
            )
        )
    pairs = [(source, target) for source in range(count) for target in range(source + 1, count)]
    edges = tuple(
        Edge(source, target, draw(st.sampled_from([0, GB, 10 * GB, 50 * GB])))
        for source, target in (draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else [])
    )
    return Request(
        tasks=tuple(tasks),
        edges=edges,
        objective=objective or draw(st.sampled_from(Objective)),
        blocks=tuple(draw(st.lists(scopes(), max_size=1))),
    )
