"""Where to run, in one text: ``cloud/region/zone``, ``k8s/context``, ``ssh/pool``, ``local``."""

from __future__ import annotations

from sky import clouds
from sky.exceptions import SpecError

_ONE_NAME = (clouds.Kubernetes, clouds.SSH)


def parse(infra: str) -> tuple[clouds.Cloud | None, str | None, str | None]:
    """Return (cloud, region, zone); ``*`` or a missing part restricts nothing. Raises ``SpecError``."""
    head, _, rest = infra.strip().strip("/").partition("/")
    cloud = None if head in {"", "*"} else clouds.from_str(head, "infra")
    if isinstance(cloud, _ONE_NAME):
        return cloud, _part(rest), None
    parts = rest.split("/") if rest else []
    if len(parts) > 2:
        raise SpecError(f"{infra!r} has too many parts; write cloud/region/zone", "infra")
    region, zone = [*map(_part, parts), None, None][:2]
    if isinstance(cloud, clouds.Local) and region not in {None, "local"}:
        raise SpecError(f"{infra!r} names a part of this machine; write just 'local'", "infra")
    return cloud, region, zone


def _part(text: str) -> str | None:
    return None if text.strip() in {"", "*"} else text.strip()
