"""Where an offer can be had: its zone, or the zones with its type where it is priced for a region."""

from __future__ import annotations

from catalog.offer import OfferKey
from executors.gcp.rest import Rest


def zones_of(rest: Rest, key: OfferKey) -> list[str]:
    """Return the zones to try, in their order."""
    if key.zone:
        return [key.zone]
    found = []
    for page in rest.pages("aggregated/machineTypes", filter=f"name = {key.instance_type}"):
        for place, types in page.get("items", {}).items():
            zone = place.rpartition("/")[2]
            if types.get("machineTypes") and zone.rpartition("-")[0] == key.region:
                found.append(zone)
    return sorted(found)
