"""What a provider's names say: family, architecture, shared cores, bare metal, regions that need an approval.

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

_SIZE = {
    # EC2 user guide, "Instance type naming conventions": the family ends at the dot.
    "aws": re.compile(r"\..*"),
    # Virtual Machines docs, "VM size naming conventions": vCPUs, or "vCPUs-active vCPUs", after letters.
    "azure": re.compile(r"(?<=[A-Za-z])\d+(-\d+)?"),
    # Compute Engine docs, "Machine type naming": family-class-vCPUs, or family-class-GPUs and a "g".
    "gcp": re.compile(r"(?<=-)\d+(?=g?(-|$))"),
}
_ANY_SIZE = re.compile(r"\d+(?=(x|gpu|vcpu|gb)([^A-Za-z0-9]|$))")

_ARM64 = {
    # EC2 user guide, the same page: "g" among the letters after the generation is Graviton; a1 came before.
    "aws": re.compile(r"(a1|[a-z]+\d+[a-z]*g[a-z]*)(-[a-z0-9-]+)?\.", re.IGNORECASE),
    # The same page: "p" among the letters after the vCPUs is an ARM processor; GB200 hosts have Grace.
    "azure": re.compile(r"Standard_([A-Z]+\d+(-\d+)?[a-oq-z]*p[a-z]*_|.*_GB\d)"),
    # Compute Engine docs, "Arm VMs on Compute": T2A, the "a" series of generation 4, and A4X with Grace.
    "gcp": re.compile(r"(t2a|c4a|n4a|a4x)-"),
    "lambda": re.compile(r".*_gh200$"),
}


def family(cloud: str, instance_type: str) -> str:
    """Return the name with its size taken out: types of one family differ in how much, not in what."""
    return _SIZE.get(cloud, _ANY_SIZE).sub("#", instance_type, count=1 if cloud == "azure" else 0)


def architecture(cloud: str, instance_type: str) -> str:
    """Return ``arm64`` or ``x86_64``, as the provider's naming rule has it."""
    rule = _ARM64.get(cloud)
    return "arm64" if rule is not None and rule.match(instance_type) else "x86_64"


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
