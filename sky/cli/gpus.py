"""``sky show-gpus``, also called ``sky gpus``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from catalog.errors import UserError
from sky.cli.options import json_option

if TYPE_CHECKING:
    from executors.owned import OwnedOffer
    from sky.accelerators import InstanceTypeInfo

_COMMON = (
    *("H200", "H100", "H100-MEGA", "A100-80GB", "A100", "B200", "L40S", "L4", "A10G", "A10", "T4"),
    *("V100", "V100-32GB", "MI300X"),
)
_NONE = "-"
_COLUMNS = (
    *("GPU", "QTY", "CLOUD", "INSTANCE_TYPE", "DEVICE_MEM", "vCPUs", "HOST_MEM"),
    *("HOURLY_PRICE", "HOURLY_SPOT_PRICE", "REGION"),
)
_NUMBERS = ("QTY", "DEVICE_MEM", "vCPUs", "HOST_MEM", "HOURLY_PRICE", "HOURLY_SPOT_PRICE", "PER_NODE", "FREE")
_Found = Mapping[str, "list[InstanceTypeInfo]"]


@click.command("show-gpus")
@click.argument("accelerator", required=False, metavar="[NAME[:COUNT]]")
@click.option("--all", "-a", "show_all", is_flag=True, help="All accelerators; of each, all instance types.")
@click.option("--cloud", help="One cloud.")
@click.option("--region", help="One region.")
@click.option("--all-regions", is_flag=True, help="Every region that has it, not the cheapest one alone.")
@json_option
def show_gpus_command(
    *,
    accelerator: str | None,
    show_all: bool,
    cloud: str | None,
    region: str | None,
    all_regions: bool,
    as_json: bool,
) -> None:
    """Show accelerators on offer, in which counts; or for one of them the instance types and prices.

    Prices are USD an hour of the whole node, from the catalog in use, under your overlay. A region is the
    cheapest one that has the instance type. Nodes of your own are listed with how many are free.

    \b
    Examples:
      sky show-gpus
      sky show-gpus H100:8
      sky show-gpus A100-80GB --cloud gcp --all-regions
      sky show-gpus --all --json | jq 'keys'
    """
    from sky.accelerators import list_accelerators

    if all_regions and not (accelerator or show_all):
        raise UserError("sky show-gpus: --all-regions goes with the name of an accelerator, or with --all")
    name, count = _asked(accelerator)
    found = list_accelerators(
        gpus_only=False,
        name_filter=None if name is None else f"^{re.escape(name)}$",
        region_filter=None if region is None else f"^{re.escape(region)}$",
        quantity_filter=count,
        clouds=cloud,
        case_sensitive=False,
        all_regions=all_regions,
        require_price=not as_json,
    )
    own = _own(name, count, cloud, region)
    if name is not None and not found and not own:
        raise UserError(_missing(name, count, cloud, region))
    if as_json:
        from sky.cli.render import show_json

        show_json({key: [each._asdict() for each in rows] for key, rows in sorted(found.items())})
        return
    if name is None and not show_all:
        _show_counts(found)
    elif name is None:
        _show_counts(found, all_others=True)
        click.echo()
        _show_types(each for _, rows in sorted(found.items()) for each in rows)
    else:
        _show_types(each for rows in found.values() for each in rows)
    _show_own(own)


def _asked(text: str | None) -> tuple[str | None, float | None]:
    """Return the accelerator's name as the catalog has it, and the count asked for."""
    from catalog.accelerators import canonical

    if text is None:
        return None, None
    name, colon, count = text.partition(":")
    try:
        wanted = float(count) if colon else None
    except ValueError:
        raise UserError(f"sky show-gpus: {count!r} is not a count; write NAME or NAME:COUNT") from None
    return canonical(name), wanted


def _missing(name: str, count: float | None, cloud: str | None, region: str | None) -> str:
    """Return why there is nothing, and what to ask instead."""
    from catalog.accelerators import nearest
    from catalog.names import names

    known = names()
    if name not in known.accelerators():
        near = [each for each in nearest(name) if each in known.accelerators()]
        hint = f"did you mean {' or '.join(near)}?" if near else "`sky show-gpus --all` lists all."
        return f"no offer has the accelerator {name!r}; {hint}"
    counts = [each / 1_000 for each in known.accelerator_counts(name)]
    if count is not None and count not in counts:
        return f"no node has {name}:{count:g}; there are {', '.join(f'{each:g}' for each in counts)}"
    where = " in ".join(filter(None, (region and f"the region {region}", cloud))) or "the catalog"
    return f"no offer in {where} has {name}; `sky show-gpus {name} --all-regions` shows where there are"


def _show_counts(found: _Found, *, all_others: bool = False) -> None:
    """Print accelerators by kind with the counts that a node may have."""
    from sky.accelerators import is_gpu
    from sky.cli.render import show_table

    common = [name for name in _COMMON if name in found]
    tpus = sorted((name for name in found if name.startswith("tpu-")), key=_natural)
    others = sorted(set(found) - set(common) - set(tpus), key=lambda name: (not is_gpu(name), _natural(name)))
    parts = [("COMMON_GPU", common), ("GOOGLE_TPU", tpus if all_others else _few(tpus))]
    if all_others:
        parts.append(("OTHER_GPU", others))
    for position, (title, accelerators) in enumerate(part for part in parts if part[1]):
        if position:
            click.echo()
        rows = [(name, _counts(found[name])) for name in accelerators]
        show_table((title, "AVAILABLE_QUANTITIES"), rows, wrap=("AVAILABLE_QUANTITIES",))
    hidden = 0 if all_others else len(others) + len(tpus) - len(_few(tpus))
    if hidden:
        click.echo(f"\n... and {hidden} more (--all); `sky show-gpus NAME` shows who has it, and prices")


def _few(tpus: Sequence[str]) -> list[str]:
    """Return the slices of one host, or the smallest of each generation."""
    smallest: dict[str, str] = {}
    for name in tpus:
        smallest.setdefault(name.rpartition("-")[0], name)
    return list(smallest.values())


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _counts(rows: Iterable[InstanceTypeInfo]) -> str:
    return ", ".join(f"{count:g}" for count in sorted({each.accelerator_count for each in rows}))


def _show_types(rows: Iterable[InstanceTypeInfo]) -> None:
    from sky.cli.render import show_table

    cells = [
        (
            each.accelerator_name,
            f"{each.accelerator_count:g}",
            each.cloud,
            each.instance_type,
            _gib(each.device_memory),
            _NONE if each.cpu_count is None else f"{each.cpu_count:g}",
            _gib(each.memory),
            _usd(each.price),
            _usd(each.spot_price),
            each.region,
        )
        for each in rows
    ]
    if cells:
        show_table(_COLUMNS, cells, right=_NUMBERS, wrap=("INSTANCE_TYPE", "REGION"))


def _gib(size: float | None) -> str:
    return _NONE if size is None else f"{size:g}GB"


def _usd(price: float | None) -> str:
    return _NONE if price is None else f"${price:,.3f}"


def _own(name: str | None, count: float | None, cloud: str | None, region: str | None) -> list[OwnedOffer]:
    """Return the owned nodes that have the accelerator, as many of it or more."""
    from catalog.units import milli
    from executors import owned
    from sky import clouds

    kinds = owned.CLOUDS if cloud is None else {clouds.from_str(cloud, "--cloud").canonical_name()}
    return [
        each
        for each in owned.offers_of(kinds)
        if (key := each.offer.key).accelerator
        and name in {None, key.accelerator}
        and region in {None, key.region}
        and (count is None or milli(count) <= key.accelerator_count_milli)
    ]


def _show_own(own: Sequence[OwnedOffer]) -> None:
    from sky.cli.render import show_table

    if not own:
        return
    rows: list[tuple[Any, ...]] = []
    for each in own:
        key = each.offer.key
        place = "/".join(filter(None, (key.cloud, key.region, key.zone)))
        rows.append(
            (
                key.accelerator,
                f"{key.accelerator_count_milli / 1_000:g}",
                str(each.free),
                place,
                key.instance_type,
            )
        )
    click.echo("\nYour own:")
    show_table(("GPU", "PER_NODE", "FREE", "INFRA", "NODE"), rows, right=_NUMBERS, wrap=("INFRA", "NODE"))
