"""Resources <-> the ``resources:`` section of a task file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sky.exceptions import SpecError, within
from sky.fields.schema import Kind, Table, checked
from sky.fields.sizes import DEFAULT_DISK_GIB
from sky.fields.suggest import did_you_mean
from sky.resources import Resources

_ALLOW = {
    "burstable": "allow_burstable",
    "bare_metal": "allow_bare_metal",
    "restricted_regions": "allow_restricted_regions",
}

_AMOUNT = (Kind.INTEGER, Kind.NUMBER, Kind.TEXT)

CANDIDATE_FIELDS: Table = {
    "infra": (Kind.TEXT,),
    "cloud": (Kind.TEXT,),
    "region": (Kind.TEXT,),
    "zone": (Kind.TEXT,),
    "instance_type": (Kind.TEXT,),
    "cpus": _AMOUNT,
    "memory": _AMOUNT,
    "accelerators": (Kind.TEXT, Kind.MAPPING, Kind.LIST),
    "gpus": (Kind.TEXT, Kind.MAPPING, Kind.LIST),
    "accelerator_args": (Kind.MAPPING,),
    "use_spot": (Kind.FLAG,),
    "job_recovery": (Kind.TEXT, Kind.MAPPING),
    "spot_recovery": (Kind.TEXT, Kind.MAPPING),
    "disk_size": (Kind.INTEGER, Kind.TEXT),
    "disk_tier": (Kind.TEXT,),
    "network_tier": (Kind.TEXT,),
    "local_disk": (Kind.TEXT, Kind.INTEGER),
    "max_hourly_cost": (Kind.INTEGER, Kind.NUMBER, Kind.TEXT),
    "autostop": (Kind.INTEGER, Kind.FLAG, Kind.TEXT, Kind.MAPPING),
    "priority": (Kind.INTEGER,),
    "ports": (Kind.INTEGER, Kind.TEXT, Kind.LIST),
    "labels": (Kind.MAPPING,),
    "image_id": (Kind.TEXT, Kind.MAPPING),
    "volumes": (Kind.LIST,),
    "arch": (Kind.TEXT,),
    "allow": (Kind.TEXT, Kind.LIST),
}
FIELDS: Table = {**CANDIDATE_FIELDS, "any_of": (Kind.LIST,), "ordered": (Kind.LIST,)}

_ACCELERATOR_ARGS: Table = {
    "runtime_version": (Kind.TEXT,),
    "tpu_name": (Kind.TEXT,),
    "tpu_vm": (Kind.FLAG,),
    "tpu_type": (Kind.TEXT,),
}
_PLACE = ("infra", "cloud", "region", "zone")


def from_config(config: Mapping[str, Any] | None) -> set[Resources] | list[Resources]:
    """Return the candidates of a ``resources:`` section: a set of any, or a list in order of preference.

    Leaves ``config`` alone. Raises ``SpecError`` with the field's path.
    """
    fields = _one_name_each(checked({} if config is None else config, FIELDS, "resources"))
    any_of, ordered = fields.pop("any_of", None), fields.pop("ordered", None)
    if any_of is not None and ordered is not None:
        raise SpecError("give any_of or ordered, not both", "ordered")
    if any_of is not None and isinstance(fields.get("accelerators"), list):
        raise SpecError(
            "a list of accelerators is an order; with any_of, name them inside it", "accelerators"
        )
    if ordered is not None and _several(fields.get("accelerators")):
        raise SpecError(
            "several accelerators cannot be combined with ordered; name them inside it", "accelerators"
        )
    if any_of is not None:
        return {each for group in _candidates(fields, any_of, "any_of") for each in group}
    if ordered is not None:
        return list(
            dict.fromkeys(each for group in _candidates(fields, ordered, "ordered") for each in group)
        )
    return _expanded(fields)


def _candidates(outer: dict[str, Any], inner: list[Any], key: str) -> list[set[Resources] | list[Resources]]:
    if not inner:
        raise SpecError("holds no candidate", key)
    groups = []
    for position, candidate in enumerate(inner):
        with within(key, position):
            fields = _one_name_each(
                checked({} if candidate is None else candidate, CANDIDATE_FIELDS, "a candidate")
            )
            groups.append(_expanded(_merged(outer, fields)))
    return groups


def _merged(outer: dict[str, Any], inner: dict[str, Any]) -> dict[str, Any]:
    """Return ``outer`` overridden by ``inner``; labels are merged, and a place replaces a place."""
    kept = {key: value for key, value in outer.items() if not ("infra" in inner and key in _PLACE)}
    if "infra" in kept and set(inner).intersection(_PLACE):
        kept.pop("infra")
    both = {**kept, **inner}
    if "labels" in outer and "labels" in inner:
        both["labels"] = {**outer["labels"], **inner["labels"]}
    return both


def _one_name_each(fields: dict[str, Any]) -> dict[str, Any]:
    """Return ``fields`` with the second names of a field replaced by the first."""
    for alias, name in (("gpus", "accelerators"), ("spot_recovery", "job_recovery")):
        if alias in fields:
            if name in fields:
                raise SpecError(f"is another name of {name}; give one of the two", alias)
            fields[name] = fields.pop(alias)
    return fields


def _several(accelerators: object) -> bool:
    return isinstance(accelerators, (list, dict)) and len(accelerators) > 1


def _expanded(fields: dict[str, Any]) -> set[Resources] | list[Resources]:
    """Return one candidate for each accelerator: a mapping of several is a set, a list an order."""
    accelerators = fields.get("accelerators")
    if isinstance(accelerators, list):
        if not accelerators:
            raise SpecError("holds no accelerator", "accelerators")
        return list(dict.fromkeys(_one({**fields, "accelerators": each}) for each in accelerators))
    if isinstance(accelerators, dict) and len(accelerators) > 1:
        return {_one({**fields, "accelerators": {name: count}}) for name, count in accelerators.items()}
    return {_one(fields)}


def _one(fields: dict[str, Any]) -> Resources:
    arguments = dict(fields)
    for permission in _allowed(arguments.pop("allow", ())):
        arguments[_ALLOW[permission]] = True
    if "accelerator_args" in arguments:
        with within("accelerator_args"):
            arguments["accelerator_args"] = checked(
                arguments["accelerator_args"], _ACCELERATOR_ARGS, "accelerator_args"
            )
    if "labels" in arguments:
        written = arguments["labels"].items()
        arguments["labels"] = {str(key): str(value) for key, value in written if value is not None}
    return Resources(**arguments)


def _allowed(allow: str | list[Any]) -> list[str]:
    listed = [allow] if isinstance(allow, str) else list(allow)
    for position, name in enumerate(listed):
        if not isinstance(name, str) or name not in _ALLOW:
            hint = did_you_mean(str(name), _ALLOW) or f" Known: {', '.join(_ALLOW)}."
            raise SpecError(
                f"{name!r} is not a kind of offer that is left out by default.{hint}", "allow", position
            )
    return listed


def to_config(resources: Resources) -> dict[str, Any]:
    """Return the ``resources:`` section that reads back as ``resources``; defaults are left out."""
    given = resources.given
    config = {
        "infra": resources.infra,
        **{
            key: given[key]
            for key in ("instance_type", "cpus", "memory", "accelerators", "accelerator_args", "use_spot")
        },
        "job_recovery": given["job_recovery"],
        "disk_size": None if resources.disk_size == DEFAULT_DISK_GIB else resources.disk_size,
        "disk_tier": resources.disk_tier and resources.disk_tier.value,
        "network_tier": resources.network_tier and resources.network_tier.value,
        **{
            key: given[key]
            for key in ("local_disk", "max_hourly_cost", "priority", "ports", "labels", "volumes", "arch")
        },
        "autostop": None if resources.autostop is None else resources.autostop.to_yaml_config(),
        "image_id": _image(resources),
        "allow": [name for name, field in _ALLOW.items() if getattr(resources, field)] or None,
    }
    return {key: value for key, value in config.items() if value is not None}


def _image(resources: Resources) -> str | dict[str | None, str] | None:
    images = resources.image_id
    if images is not None and set(images) == {resources.region}:
        return images[resources.region]
    return images


def candidates_config(candidates: set[Resources] | list[Resources]) -> dict[str, Any]:
    """Return the section for the candidates: ``ordered`` for a list, ``any_of`` for a set, flat for one."""
    configs = [each.to_yaml_config() for each in candidates]
    if len(configs) == 1:
        return configs[0]
    if isinstance(candidates, list):
        return {"ordered": configs}
    return {"any_of": [each.to_yaml_config() for each in sorted(candidates, key=lambda each: each.sort_key)]}
