"""What Resources refuses, with the field and the fix in the message."""

from __future__ import annotations

from typing import Any

import pytest

import sky
from sky.exceptions import SpecError
from sky.resources import Resources

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"infra": "awz"}, "infra", "Did you mean 'AWS'"),
    ({"infra": "aws", "region": "us-east-1"}, "infra", "not by both"),
    ({"infra": "aws/us-east-1/us-east-1a/x"}, "infra", "too many parts"),
    ({"infra": "local/here"}, "infra", "just 'local'"),
    ({"cloud": "googel"}, "cloud", "is not a cloud"),
    ({"cloud": 3}, "cloud", "must be a cloud"),
    ({"region": "us-esat-1"}, "region", "or 'us-east-1'"),
    ({"cloud": "aws", "region": "us-central1"}, "region", "invalid region 'us-central1' for AWS"),
    ({"zone": "us-east-1z"}, "zone", "no cloud has zone"),
    ({"cloud": "aws", "zone": "us-east-1z"}, "zone", "Did you mean"),
    ({"cloud": "aws", "region": "us-west-2", "zone": "us-east-1a"}, "zone", "lies in region 'us-east-1'"),
    ({"cloud": "azure", "zone": "eastus-1"}, "zone", "Azure has no zones"),
    ({"region": 3}, "region", "must be text"),
    ({"instance_type": "p4d.24xlrage"}, "instance_type", "Did you mean 'p4d.24xlarge'"),
    ({"cloud": "gcp", "instance_type": "p4d.24xlarge"}, "instance_type", "invalid instance type"),
    ({"instance_type": "p4d.24xlarge", "region": "us-central1"}, "region", "together"),
    ({"instance_type": "p4d.24xlarge", "cpus": 8}, "instance_type", "requested number of vCPUs: it has 96"),
    ({"instance_type": "p4d.24xlarge", "memory": "2000+"}, "instance_type", "requested memory"),
    ({"instance_type": "p4d.24xlarge", "memory": "100x"}, "instance_type", "requested memory"),
    *[
        ({"cpus": value}, "cpus", "not a number of vCPUs")
        for value in ("x", 0, -1, "+", "4++", True, "nan", "")
    ],
    *[({"memory": value}, "memory", "not a size") for value in ("x", 0, "-1", "3XB", "2x+", True, "")],
    *[({"disk_size": value}, "disk_size", "whole number of GiB") for value in (0, 1.5, "10MB", "big", True)],
    ({"disk_tier": "hgih"}, "disk_tier", "Did you mean 'high'"),
    ({"disk_tier": "high", "cloud": "lambda"}, "disk_tier", "Lambda does not support it"),
    ({"disk_tier": "ultra", "cloud": "azure"}, "disk_tier", "Azure"),
    ({"network_tier": "worst"}, "network_tier", "standard, best"),
    ({"local_disk": "floppy"}, "local_disk", "nvme"),
    ({"ports": 0}, "ports", "not a port"),
    ({"ports": 80.0}, "ports", "not a port"),
    ({"ports": 65536}, "ports", "not a port"),
    ({"ports": "20-10"}, "ports", "not a port"),
    ({"ports": ["ssh"]}, "ports", "not a port"),
    ({"ports": True}, "ports", "not a port"),
    ({"ports": 80, "cloud": "vsphere"}, "ports", "vSphere does not support it"),
    ({"use_spot": "yes"}, "use_spot", "true or false"),
    ({"use_spot": True, "cloud": "lambda"}, "use_spot", "Lambda does not support it"),
    ({"accelerators": ""}, "accelerators", "not an accelerator"),
    ({"accelerators": 8}, "accelerators", "not an accelerator"),
    ({"accelerators": "A100:"}, "accelerators", "not a count"),
    ({"accelerators": "A100:0"}, "accelerators", "not a count"),
    ({"accelerators": "A100:-1"}, "accelerators", "not a count"),
    ({"accelerators": "A100:x"}, "accelerators", "not a count"),
    ({"accelerators": {"A100": 1, "H100": 1}}, "accelerators", "exactly one"),
    ({"accelerators": {}}, "accelerators", "exactly one"),
    ({"accelerators": "acme:32GB+"}, "accelerators", "not a vendor"),
    ({"accelerators": "81GB"}, "accelerators", "'81GB+'"),
    ({"accelerators": "tpu-v5e-8", "cloud": "aws"}, "accelerators", "GCP or Kubernetes only"),
    ({"job_recovery": "failovr"}, "job_recovery", "Did you mean 'FAILOVER'"),
    ({"job_recovery": {"stratgy": "failover"}}, "job_recovery.stratgy", "Did you mean 'strategy'"),
    ({"job_recovery": {"max_restarts_on_errors": -1}}, "job_recovery.max_restarts_on_errors", "0 or more"),
    ({"job_recovery": {"recover_on_exit_codes": [300]}}, "job_recovery", "exit code"),
    ({"image_id": "ami-1"}, "image_id", "name the cloud too"),
    ({"image_id": "ami-1", "cloud": "aws"}, "image_id", "name the region too"),
    ({"image_id": "docker:"}, "image_id", "no container image"),
    ({"image_id": " "}, "image_id", "names no image"),
    ({"image_id": {}}, "image_id", "must be an image"),
    ({"image_id": {"us-esat-1": "ami-1"}, "cloud": "aws"}, "image_id", "or 'us-east-1'"),
    (
        {"image_id": {"us-east-1": "ami-1"}, "infra": "aws/us-west-2"},
        "image_id",
        "no image for region 'us-west-2'",
    ),
    ({"image_id": "img", "cloud": "lambda"}, "image_id", "Lambda boots no image"),
    ({"labels": {"aws:x": "1"}, "cloud": "aws"}, "labels.aws:x", "no key starts with aws:"),
    ({"labels": {"A": "1"}, "cloud": "gcp"}, "labels.A", "lower-case"),
    ({"labels": {"a b!": "1"}, "cloud": "k8s"}, "labels.a b!", "Kubernetes labels"),
    ({"labels": {"a": "x" * 300}}, "labels.a", "not allowed"),
    ({"labels": {"a": 1}}, "labels.a", "must be text"),
    ({"labels": ["a"]}, "labels", "must be a mapping"),
    ({"max_hourly_cost": 0}, "max_hourly_cost", "above zero"),
    ({"max_hourly_cost": "cheap"}, "max_hourly_cost", "above zero"),
    ({"priority": 1001}, "priority", "from -1000 to 1000"),
    ({"priority": 1.5}, "priority", "from -1000 to 1000"),
    ({"autostop": "soon"}, "autostop", "not a time"),
    ({"autostop": {"idle_minute": 5}}, "autostop.idle_minute", "Did you mean 'idle_minutes'"),
    ({"autostop": {"wait_for": "jobs_and_shh"}}, "autostop.wait_for", "Did you mean 'jobs_and_ssh'"),
    ({"autostop": {"wait_for": "x"}}, "autostop.wait_for", "Write one of jobs, jobs_and_ssh,"),
    ({"autostop": [1]}, "autostop", "not an autostop"),
    ({"arch": "arm"}, "arch", "Did you mean 'arm64'"),
    ({"allow_burstable": "yes"}, "allow_burstable", "true or false"),
    ({"volumes": [1]}, "volumes[0]", "mapping"),
]


@pytest.mark.parametrize(("arguments", "field", "message"), REFUSED, ids=lambda value: str(value)[:60])
def test_refused(arguments: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        Resources(**arguments)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).startswith(f"{field}: ")
    assert message in str(caught.value)


def test_a_tpu_elsewhere_is_an_assertion_error_too() -> None:
    with pytest.raises(AssertionError):
        Resources(accelerators="tpu-v5e-8", cloud=sky.AWS())
