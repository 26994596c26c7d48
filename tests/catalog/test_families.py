"""Rules that read a provider's names."""

from __future__ import annotations

import pytest

from catalog.families import is_bare_metal, is_burstable, is_restricted_region


@pytest.mark.parametrize(
    ("cloud", "name", "expected"),
    [
        ("aws", "t3.large", True),
        ("aws", "t4g.nano", True),
        ("aws", "t1.micro", True),
        ("aws", "trn1.32xlarge", False),
        ("aws", "m7i-flex.large", False),
        ("aws", "m5.large", False),
        ("gcp", "e2-micro", True),
        ("gcp", "e2-medium", True),
        ("gcp", "e2-standard-2", False),
        ("gcp", "g1-small", True),
        ("gcp", "t2d-standard-1", False),
        ("azure", "Standard_B2s", True),
        ("azure", "Standard_B16als_v2", True),
        ("azure", "Standard_A2_v2", False),
        ("azure", "Standard_D2s_v5", False),
        ("lambda", "t3.large", False),
    ],
)
def test_burstable(cloud: str, name: str, expected: bool) -> None:
    assert is_burstable(cloud, name) is expected


@pytest.mark.parametrize(
    ("cloud", "name", "expected"),
    [
        ("aws", "m5.metal", True),
        ("aws", "c7i.metal-24xl", True),
        ("aws", "m5.24xlarge", False),
        ("gcp", "c3-highcpu-192-metal", True),
        ("gcp", "c3-highcpu-176", False),
        ("azure", "Standard_E104i_v5", False),
    ],
)
def test_bare_metal(cloud: str, name: str, expected: bool) -> None:
    assert is_bare_metal(cloud, name) is expected


@pytest.mark.parametrize(
    ("cloud", "region", "expected"),
    [
        ("azure", "brazilsoutheast", True),
        ("azure", "jioindiawest", True),
        ("azure", "koreasouth", True),
        ("azure", "brazilsouth", False),
        ("azure", "australiacentral", False),
        ("gcp", "me-central2", True),
        ("gcp", "me-central1", False),
        ("aws", "af-south-1", False),
        ("aws", "brazilsoutheast", False),
    ],
)
def test_restricted_regions(cloud: str, region: str, expected: bool) -> None:
    assert is_restricted_region(cloud, region) is expected
