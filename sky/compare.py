"""How one ``Resources`` relates to another, and how one is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sky.clouds import Kubernetes
from sky.fields.ports import contains
from sky.fields.sizes import DEFAULT_DISK_GIB
from sky.fields.tiers import DiskTier

if TYPE_CHECKING:
    from sky.resources import Resources


def fits(asked: Resources, given: Resources, *, check_ports: bool) -> bool:
    """Return whether a node of ``given`` can run ``asked``; vCPUs, memory and disk size are not compared."""
    for field in ("cloud", "region", "zone", "instance_type", "accelerator_args"):
        wanted = getattr(asked, field)
        if wanted is not None and wanted != getattr(given, field):
            return False
    return (
        _accelerators_fit(asked, given)
        and _image_fits(asked, given)
        and not (asked.use_spot_specified and asked.use_spot != given.use_spot)
        and _disk_tier_fits(asked, given)
        and not (check_ports and not contains(given.ports or (), asked.ports or ()))
        and not (asked.requires_fuse and not given.requires_fuse and isinstance(given.cloud, Kubernetes))
    )


def _accelerators_fit(asked: Resources, given: Resources) -> bool:
    have = dict(given.accelerator_options)
    wanted = asked.accelerator_options
    return not wanted or any(name in have and count <= have[name] for name, count in wanted)


def _image_fits(asked: Resources, given: Resources) -> bool:
    """Return whether the node boots the image that is asked for in its region, by that name or for any."""
    wanted, have = asked.image_id, given.image_id or {}
    here = have.get(given.region) or have.get(None)
    return wanted is None or (here is not None and here == (wanted.get(given.region) or wanted.get(None)))


def _disk_tier_fits(asked: Resources, given: Resources) -> bool:
    if asked.disk_tier is None:
        return True
    if given.disk_tier is None:
        return False
    return asked.disk_tier is DiskTier.BEST or asked.disk_tier <= given.disk_tier


def covers(blocked: Resources, asked: Resources) -> bool:
    """Return whether every field that ``blocked`` sets equals that of ``asked``."""
    for field in ("cloud", "region", "zone", "instance_type"):
        wanted = getattr(blocked, field)
        if wanted is not None and wanted != getattr(asked, field):
            return False
    if blocked.accelerator_options and blocked.accelerator_options != asked.accelerator_options:
        return False
    return not blocked.use_spot_specified or blocked.use_spot == asked.use_spot


def described(resources: Resources, *, with_place: bool) -> str:
    """Return ``AWS(p3.2xlarge[Spot], {'V100': 1}, ports=['80'])``."""
    plain = resources.accelerators
    given = resources.given
    parts = [
        f"{resources.instance_type or ''}{resources.get_spot_str()}",
        f"cpus={given['cpus']}" if given["cpus"] else "",
        f"mem={given['memory']}" if given["memory"] else "",
        str(plain) if plain else resources.accelerator_text or "",
        f"accelerator_args={resources.accelerator_args}" if resources.accelerator_args else "",
        f"image_id={_image(resources)}" if resources.image_id else "",
        f"disk_tier={resources.disk_tier.value}" if resources.disk_tier else "",
        f"network_tier={resources.network_tier.value}" if resources.network_tier else "",
        f"disk_size={resources.disk_size}" if resources.disk_size != DEFAULT_DISK_GIB else "",
        f"ports={resources.ports}" if resources.ports else "",
        f"arch={resources.arch}" if resources.arch else "",
        f"max_hourly_cost={resources.max_hourly_cost:g}" if resources.max_hourly_cost else "",
        f"region={resources.region}" if with_place and resources.region else "",
        f"zone={resources.zone}" if with_place and resources.zone else "",
    ]
    return f"{resources.cloud or '<Cloud>'}({', '.join(part for part in parts if part)})"


def _image(resources: Resources) -> object:
    images = resources.image_id or {}
    return images.get(None) if set(images) == {None} else images
