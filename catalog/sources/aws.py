"""AWS: EC2's price list, the Spot Advisor, and with an account its shapes, zones and spot prices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.facts import currency, facts_of_rows, read_facts, write_facts
from catalog.sources import aws_account, aws_prices, spot_advisor
from catalog.sources.aws_account import Account
from catalog.sources.base import endpoint
from catalog.sources.shapes import Accelerators, Known, Shape, known
from catalog.sources.spot_advisor import Advice
from catalog.sources.work import Work

PRICES = "https://pricing.us-east-1.amazonaws.com"
_INDEX = "/offers/v1.0/aws/AmazonEC2/current/region_index.json"
_COMMERCIAL = re.compile(r"(?!us-gov-|cn-|us-iso)[a-z]{2,}(-[a-z]+)+-\d$")
"""Regions of the partition that an ordinary account has; no local zone, no GovCloud, no China."""


class Aws:
    """The source of AWS's offers."""

    name = "aws"
    cloud = "aws"
    credentials = aws_account.CREDENTIALS
    untold = None

    def fetch(self, work: Work) -> pa.Table:
        """Return all regions' instance types; a region that is read is not read again by the next attempt.

        Raises ``SourceError``.
        """
        index = work.get_json(endpoint("aws", PRICES) + _INDEX)
        try:
            versions = {
                region: entry["currentVersionUrl"]
                for region, entry in sorted(index["regions"].items())
                if _COMMERCIAL.match(region)
            }
        except (AttributeError, KeyError, TypeError) as error:
            raise work.fail(f"the index of regions has changed its form ({error!r})") from error
        advice = spot_advisor.read(work, endpoint("aws_spot_advisor", spot_advisor.URL))
        account = aws_account.read(work, list(versions))
        priced = []
        for done, (region, version) in enumerate(versions.items()):
            work.progress(done, len(versions), "regions")
            priced.append(_prices_of(work, region, version))
        work.progress(len(versions), len(versions), "regions")
        rows = _rows(pa.concat_tables(priced), account, known("aws"), advice)
        return facts_of_rows(rows, "+".join(sorted({currency(each) for each in priced})))


def _prices_of(work: Work, region: str, version: str) -> pa.Table:
    """Return the region's list as facts without zones and spot; kept until the list has a newer version."""
    kept = work.folder / "prices" / f"{region}-{_tag(version)}.parquet"
    if kept.is_file():
        return read_facts(kept)
    for older in kept.parent.glob(f"{region}-*.parquet"):
        older.unlink()
    offer_file = work.download(endpoint("aws", PRICES) + version, f"{region}.json")
    table = prices_in(offer_file, work.source)
    write_facts(table, kept)
    offer_file.unlink()
    return table


def prices_in(offer_file: Path, source: str = "aws") -> pa.Table:
    """Return what an EC2 offer file says, as facts: no zones, no spot, accelerators by count alone.

    Raises ``SourceError``.
    """
    listed = list(aws_prices.read(offer_file, source))
    rows = [
        {
            "cloud": "aws",
            "region": each.region,
            "instance_type": each.instance_type,
            "arch": each.arch,
            "vcpus": each.vcpus,
            "memory_gib": each.memory_gib,
            "accelerator_count": each.accelerators or None,
            "price": each.price,
            "price_as_of": each.as_of,
            "source": "ec2-price-list",
        }
        for each in listed
    ]
    return facts_of_rows(rows, "+".join(sorted({each.currency for each in listed})))


def _tag(version: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "", version)[-40:]


def _rows(
    priced: pa.Table, account: Account | None, before: Known, advice: Mapping[tuple[str, str], Advice]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each zone of each price, with its shape and what spot costs there."""
    seen = account or Account()
    today = datetime.now(timezone.utc).date()
    for row in priced.to_pylist():
        region, name = row["region"], row["instance_type"]
        shape = seen.shapes.get(name) or before.shapes.get(name) or _shape(row)
        told = advice.get((region, name))
        zones = seen.zones.get((region, name)) or before.zones.get((region, name)) or [""]
        for zone in sorted(zones):
            spot = seen.spots.get((region, zone, name))
            base = {
                **row,
                "zone": zone or None,
                "arch": shape.arch,
                "vcpus": shape.vcpus,
                "memory_gib": shape.memory_gib,
                "interruption_rate": told and told.interruption_rate,
            }
            if spot is not None:
                base |= {
                    "spot_price": spot.price,
                    "spot_as_of": spot.as_of,
                    "source": f"{row['source']}+spot-history",
                }
            elif told is not None and account is None:
                base |= {
                    "spot_price": round(row["price"] * (1 - told.savings), 6),
                    "spot_as_of": today,
                    "source": f"{row['source']}+spot-advisor-savings",
                }
            yield from _with_accelerators(base, shape)


def _shape(row: Mapping[str, Any]) -> Shape:
    """Return the shape that the price list itself states; its accelerators have no name there."""
    count = row["accelerator_count"]
    unnamed = (Accelerators("", count, None),) if count else ()
    return Shape(row["arch"], row["vcpus"], row["memory_gib"], unnamed)


def _with_accelerators(base: Mapping[str, Any], shape: Shape) -> Iterator[dict[str, Any]]:
    for each in shape.accelerators or (Accelerators("", 0, None),):
        yield {
            **base,
            "accelerator_name": each.name or None,
            "accelerator_count": each.count or None,
            "accelerator_memory_gib": each.memory_gib,
        }
