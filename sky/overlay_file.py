"""``~/.sky/overlay.yaml``: the user's prices and exclusions, each field read with its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog.errors import UserError
from catalog.home import sky_home
from catalog.names import names
from catalog.overlay import PLACES, Overlay, Pricing, Rule
from catalog.units import MICRO, micro_usd
from sky.exceptions import SpecError, within
from sky.fields.schema import Kind, Table, checked
from sky.fields.suggest import did_you_mean

FILE = "overlay.yaml"

EXAMPLE = """\
rules:
  - where: {cloud: aws, instance_type: p5.*}
    discount: 30%                 # off the list price on demand; spot_discount: off spot's
  - where: {cloud: lambda, instance_type: gpu_8x_h100_sxm5}
    price: 20.50                  # USD an hour; spot_price: the same on spot
  - where: {region: brazil*}
    exclude: true                 # or: spot, which leaves the offers on demand"""

_FILE_FIELDS: Table = {"rules": (Kind.LIST,)}
_WHERE_FIELDS: Table = dict.fromkeys(PLACES, (Kind.TEXT,))
_RULE_FIELDS: Table = {
    "where": (Kind.MAPPING,),
    "price": (Kind.NUMBER, Kind.TEXT),
    "spot_price": (Kind.NUMBER, Kind.TEXT),
    "discount": (Kind.NUMBER, Kind.TEXT),
    "spot_discount": (Kind.NUMBER, Kind.TEXT),
    "exclude": (Kind.FLAG, Kind.TEXT),
}
_EFFECTS = tuple(name for name in _RULE_FIELDS if name != "where")


def path() -> Path:
    """Return where the file is, or would be."""
    return sky_home() / FILE


def read() -> Overlay:
    """Return the user's overlay, empty without a file. Raises ``SpecError`` with ``file:line:column``."""
    file = path()
    try:
        found = file.stat()
    except FileNotFoundError:
        return Overlay()
    return _read(file, found.st_ino, found.st_mtime_ns)


@lru_cache(maxsize=4)
def _read(file: Path, _inode: int, _mtime_ns: int) -> Overlay:
    from sky.fields import yaml_text  # brings yaml, which plans without an overlay do not need

    document = yaml_text.read_one(file, "rules")
    if document is None:
        return Overlay()
    rules = []
    with document.locating():
        fields = checked(document.value, _FILE_FIELDS, "the overlay")
        for position, config in enumerate(fields.get("rules", ())):
            with within("rules", position):
                line = document.where(("rules", position)).split(":")[-2]
                rules.append(_rule(config, f"rule {position + 1} ({FILE}:{line})"))
    return Overlay(tuple(rules))


def _rule(config: object, label: str) -> Rule:
    fields = checked(config, _RULE_FIELDS, "a rule")
    if not fields.get("where"):
        raise SpecError(f"says which offers, by {', '.join(PLACES)}; * stands for any text", "where")
    if not any(name in fields for name in _EFFECTS):
        raise SpecError(f"does nothing; give one of {', '.join(_EFFECTS)}, for example:\n{EXAMPLE}")
    with within("where"):
        where = {name: value.strip() for name, value in _known(fields["where"]).items()}
    exclude = fields.get("exclude", False)
    if exclude not in {True, False, "spot"}:
        raise SpecError(f"is true, or spot, not {exclude!r}", "exclude")
    if exclude and len(fields) > 2:
        raise SpecError("a rule that excludes offers has no price or discount; write two rules", "exclude")
    return Rule(
        label=label,
        where=where,
        on_demand=_pricing(fields, "price", "discount"),
        spot=_pricing(fields, "spot_price", "spot_discount"),
        exclude=exclude is True,
        exclude_spot=exclude == "spot",
    )


def _known(where: Mapping[str, Any]) -> dict[str, str]:
    """Return the patterns, having refused a cloud that the catalog does not have."""
    patterns = checked(where, _WHERE_FIELDS, "where")
    clouds = names().clouds
    cloud = patterns.get("cloud", "*").lower()
    if not any(sign in cloud for sign in "*?[") and cloud not in clouds:
        hint = did_you_mean(cloud, clouds) or f" There are: {', '.join(clouds)}."
        raise SpecError(f"the catalog has no cloud {cloud!r}.{hint}", "cloud")
    return patterns


def _pricing(fields: Mapping[str, Any], price: str, discount: str) -> Pricing | None:
    if price in fields and discount in fields:
        raise SpecError(f"give either {price} or {discount}", price)
    if price in fields:
        with within(price):
            amount = micro_usd(fields[price])
            if amount < 0:
                raise SpecError(f"is USD an hour, 0 or more, not {fields[price]}")
            return Pricing(micro_usd=amount)
    if discount in fields:
        with within(discount):
            return Pricing(discount_ppm=_discount(fields[discount]))
    return None


def _discount(value: float | str) -> int:
    """Return ``30%`` or ``0.3`` as millionths."""
    text = str(value).strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise UserError(f"{value!r} is not a share; write 30% or 0.3") from None
    if not 0 <= share <= 1:
        raise UserError(f"is between 0% and 100% (0.3 is 30%), not {value}")
    return round(share * MICRO)
