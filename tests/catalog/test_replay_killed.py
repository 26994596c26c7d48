"""Refreshes from all providers' own formats at once, killed anywhere: what is in use is whole and valid."""

from __future__ import annotations

import multiprocessing
import os
import random
from pathlib import Path

import pytest

from catalog.query import mask_equal, view
from catalog.refresh import refresh
from catalog.sources import registry
from catalog.store import open_snapshot, verify
from tests.catalog.replay import Replay, publish_few

SEED = 20261126
CLOUDS = ("aws", "azure", "gcp")
AWS_TYPE, AWS_REGION = "m5.2xlarge", "us-east-1"
AZURE_TYPE = "Standard_D8s_v3"


def refresh_all(environment: dict[str, str]) -> None:
    """Refresh from every provider; a process of its own runs this."""
    os.environ.update(environment)
    outcome = refresh([registry.load(cloud) for cloud in CLOUDS])
    assert outcome.ok, outcome


def raise_prices(lists: Replay) -> int:
    """Let one type cost 1 % more everywhere, at AWS and Azure; return its new price at AWS in micro-USD."""
    price = 0.0
    for (region, name), (_, term) in lists.aws.entries.items():
        if name == AWS_TYPE:
            for rate in next(iter(term.values()))["priceDimensions"].values():
                raised = float(rate["pricePerUnit"]["USD"]) * 1.01
                rate["pricePerUnit"]["USD"] = f"{raised:.6f}"
                price = raised if region == AWS_REGION else price
    for item in lists.azure.items:
        if item["armSkuName"] == AZURE_TYPE:
            item["retailPrice"] *= 1.01
    lists.aws.version += 1
    lists.serve()
    return round(float(f"{price:.6f}") * 1e6)


def price_in_use() -> int:
    """Return the price of the type in the snapshot in use, which is the same in all its zones."""
    snapshot = open_snapshot()
    verify(snapshot)
    there = mask_equal(snapshot.table, "region", AWS_REGION) & mask_equal(
        snapshot.table, "instance_type", AWS_TYPE
    )
    (price,) = set(view(snapshot.table, "price_micro_usd")[there].tolist())
    return int(price)


def kill_at_random(times: int, home: Path) -> int:
    """Kill so many refreshes at moments drawn over all their length; return how many really died."""
    chosen = random.Random(SEED)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["catalog.refresh", "catalog.sources.http", "tests.catalog.replay"])
    rows = publish_few().rows
    lists = Replay()
    before = price_in_use()
    deaths, length_s = 0, 2.0
    with lists.served() as environment:
        environment["SKY_HOME"] = str(home)
        offered = raise_prices(lists)
        for _ in range(times):
            process = processes.Process(target=refresh_all, args=(environment,))
            process.start()
            process.join(chosen.uniform(0, length_s))
            if process.is_alive():
                process.kill()
            process.join()
            assert process.exitcode in {0, -9}
            deaths += process.exitcode == -9
            length_s *= 1.05 if process.exitcode else 0.8
            assert open_snapshot().rows == rows
            found = price_in_use()
            assert found in {before, offered}
            if found == offered:
                before, offered = offered, raise_prices(lists)
        last = processes.Process(target=refresh_all, args=(environment,))
        last.start()
        last.join()
        assert last.exitcode == 0
    assert price_in_use() == offered
    return deaths


def test_a_few_kills(home: Path) -> None:
    assert kill_at_random(3, home / ".sky") > 0


@pytest.mark.needs("time")
def test_200_kills(home: Path) -> None:
    assert kill_at_random(200, home / ".sky") > 100
