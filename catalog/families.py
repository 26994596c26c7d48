"""What a provider's names say: shared cores, bare metal, and regions that need an approval.

Each rule cites the provider's own page. A rule reads the name alone, so it holds for offers that a later
refresh adds.
"""

from __future__ import annotations

import re

_BURSTABLE = {
    # EC2 user guide, "Burstable performance instances": the T families (and t1.micro before them). The flex
    # families are not burstable by EC2's own BurstablePerformanceSupported flag, and are not marked.
    "aws": re.compile(r"t\d[a-z]*\."),
    # Virtual Machines docs, "Bsv2-series" and siblings: every B size earns and spends CPU credits.
    "azure": re.compile(r"Standard_B\d"),
    # Compute Engine docs, "General-purpose machine family": the shared-core machine types.
    "gcp": re.compile(r"(e2-(micro|small|medium)|f1-micro|g1-small)$"),
}

_BARE_METAL = {
    # EC2 user guide, "Instance types": a size of "metal" or "metal-24xl" has no hypervisor.
    "aws": re.compile(r"[^.]+\.metal(-|$)"),
    # Compute Engine docs, "Bare metal instances": machine types that end in "-metal".
    "gcp": re.compile(r".*-metal$"),
}

_RESTRICTED_REGIONS = {
    # Microsoft Learn, "List of Azure regions" (2025-03-21): regions with the access-restricted sign, and the
    # two Jio regions of "Azure region access request process". All need a support request.
    "azure": frozenset(
        {
            "australiacentral2",
            "brazilsoutheast",
            "francesouth",
            "germanynorth",
            "jioindiacentral",
            "jioindiawest",
            "koreasouth",
            "norwaywest",
            "southafricawest",
            "swedensouth",
            "switzerlandwest",
            "uaecentral",
        }
    ),
    # Google Cloud docs, "Access control for the Dammam region": customers are admitted one by one.
    "gcp": frozenset({"me-central2"}),
    # AWS opt-in regions are absent on purpose: an account's owner enables one alone, in minutes.
}


def is_burstable(cloud: str, instance_type: str) -> bool:
    """Return whether the type shares its cores or throttles them once credits are spent."""
    rule = _BURSTABLE.get(cloud)
    return rule is not None and rule.match(instance_type) is not None


def is_bare_metal(cloud: str, instance_type: str) -> bool:
    """Return whether the type is a whole machine without a hypervisor."""
    rule = _BARE_METAL.get(cloud)
    return rule is not None and rule.match(instance_type) is not None


def is_restricted_region(cloud: str, region: str) -> bool:
    """Return whether renting in the region needs the provider's approval first."""
    return region in _RESTRICTED_REGIONS.get(cloud, frozenset())
