"""The image that suits an offer, and the disk that it gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.errors import UserError
from executors.aws.disk import root_disk
from executors.aws.image import Image, image_for, parameter
from executors.errors import OutOfCapacity
from tests.clouds.ec2.cloud import Cloud
from tests.executors.aws.conftest import offer


@pytest.mark.parametrize(
    ("accelerator", "arch", "words"),
    [
        ("", "x86_64", ["canonical", "amd64"]),
        ("", "arm64", ["canonical", "arm64"]),
        ("H100", "x86_64", ["deeplearning/ami/x86_64", "nvidia"]),
        ("T4g", "arm64", ["deeplearning/ami/arm64", "nvidia"]),
        ("Trainium2", "x86_64", ["neuron"]),
        ("Inferentia", "x86_64", ["neuron"]),
        ("Radeon Pro V520", "x86_64", ["canonical"]),
    ],
)
def test_an_image_has_the_drivers_of_the_accelerator(accelerator: str, arch: str, words: list[str]) -> None:
    name = parameter(replace(offer(accelerator=accelerator), arch=arch))
    assert [word for word in words if word not in name] == []


def test_a_gpu_without_a_public_image_asks_for_one() -> None:
    with pytest.raises(OutOfCapacity, match="image_id") as caught:
        parameter(offer(accelerator="V100"))
    assert str(caught.value.scope) == "aws/V100"


def test_the_current_image_is_found_in_the_region(ec2: Cloud) -> None:
    found = image_for(offer())
    assert found.root_device == "/dev/sda1"
    assert image_for(offer(), found.image_id) == found


def test_an_image_of_another_region_is_the_users_mistake(ec2: Cloud) -> None:
    from executors.aws.errors import translated

    elsewhere = image_for(offer(region="us-west-2")).image_id
    with pytest.raises(UserError, match=elsewhere), translated(offer().key):
        image_for(offer(), elsewhere)


@pytest.mark.parametrize(
    ("tier", "kind"), [(None, "gp3"), ("low", "standard"), ("high", "gp3"), ("best", "io2"), ("ultra", "io2")]
)
def test_a_disk_is_of_its_tier_and_goes_with_the_machine(tier: str | None, kind: str) -> None:
    ((disk),) = root_disk(Image("ami-1", "/dev/xvda", 30), 20, tier)
    assert disk["DeviceName"] == "/dev/xvda"
    assert (disk["Ebs"]["VolumeType"], disk["Ebs"]["VolumeSize"]) == (kind, 30)
    assert disk["Ebs"]["DeleteOnTermination"] is True


def test_a_small_fast_disk_keeps_to_what_its_size_allows() -> None:
    ((disk),) = root_disk(Image("ami-1", "/dev/xvda", 8), 10, "ultra")
    assert disk["Ebs"]["Iops"] == 5_000
