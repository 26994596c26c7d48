"""What this machine is found to have."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.offer import Market
from executors import local
from executors.local.machine import parse_nvidia_smi, total_memory_mib, vcpus_milli


def test_this_machine_is_a_free_offer() -> None:
    offer = local.offer()
    assert (offer.key.cloud, offer.key.region, offer.key.zone, offer.key.market) == (
        "local",
        "local",
        "",
        Market.OWNED,
    )
    assert (offer.key.instance_type, offer.price_micro_usd) == ("this-machine", 0)
    assert offer.vcpus_milli > 0
    assert offer.memory_mib > 0


def test_control_group_limits_cut_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text(f"{512 * 2**20}\n")
    assert (vcpus_milli(tmp_path), total_memory_mib(tmp_path)) == (500, 512)


def test_older_control_groups_and_no_limits_are_understood(tmp_path: Path) -> None:
    whole = vcpus_milli(tmp_path), total_memory_mib(tmp_path)
    (tmp_path / "cpu").mkdir()
    (tmp_path / "memory").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(f"{2**63 - 4096}\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert (vcpus_milli(tmp_path), total_memory_mib(tmp_path)) == whole
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("75000\n")
    assert vcpus_milli(tmp_path) == 750


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ("", 0, 0)),
        ("NVIDIA A100-SXM4-80GB, 81920\n" * 8, ("A100-80GB", 8, 81920)),
        ("NVIDIA A100-SXM4-40GB, 40960\n", ("A100", 1, 40960)),
        ("Tesla T4, 15360\n", ("T4", 1, 15360)),
        ("NVIDIA H100 80GB HBM3, 81559\n" * 2, ("H100", 2, 81559)),
        ("NVIDIA GeForce RTX 4090, 24564\n", ("RTX-4090", 1, 24564)),
        ("NVIDIA L4, 23034\nTesla T4, 15360\n", ("L4", 1, 23034)),
    ],
)
def test_gpus_are_read_from_nvidia_smi(text: str, found: tuple[str, int, int]) -> None:
    assert parse_nvidia_smi(text) == found
