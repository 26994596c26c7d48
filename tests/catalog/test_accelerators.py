"""Names, aliases and figures of accelerators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.accelerators import GPU_VENDORS, canonical, lookup, matching, nearest, vendors
from catalog.names import names

KNOWN = names().accelerators()


@pytest.mark.parametrize("name", KNOWN)
def test_every_name_of_the_catalog_is_canonical(name: str) -> None:
    assert canonical(name) == canonical(name.lower()) == canonical(name.upper()) == name


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        ("a100-40gb", "A100"),
        ("A100-SXM4", "A100"),
        ("a100-80gb-sxm4", "A100-80GB"),
        ("a100-80gb", "A100-80GB"),
        ("h100-80gb", "H100"),
        ("H100-80GB-HBM3", "H100"),
        ("rtx-6000", "RTX6000"),
        ("RTX PRO 6000", "RTXPRO6000"),
        ("v100-sxm2-32gb", "V100-32GB"),
        ("Tesla T4", "T4"),
        ("gaudi", "Gaudi HL-205"),
        ("TPU-V5P-128", "tpu-v5p-128"),
        ("v5litepod-8", "tpu-v5litepod-8"),
        ("tpu-v5e-8", "tpu-v5litepod-8"),
        (" l4 ", "L4"),
    ],
)
def test_aliases(alias: str, expected: str) -> None:
    assert canonical(alias) == expected


@given(st.text(max_size=20))
def test_canonical_is_idempotent(name: str) -> None:
    assert canonical(canonical(name)) == canonical(name)


def test_unknown_names_come_back_as_they_are() -> None:
    assert canonical("Quantum9000") == "Quantum9000"
    assert lookup("Quantum9000") is None
    assert lookup("tpu-v5p-1") is None


@pytest.mark.parametrize(
    ("name", "chips", "per_chip_tflops", "per_chip_gib"),
    [
        ("tpu-v2-8", 4, 45, 16),
        ("tpu-v3-8", 4, 123, 32),
        ("tpu-v4-8", 4, 275, 32),
        ("tpu-v5litepod-8", 8, 197, 16),
        ("tpu-v5p-128", 64, 459, 95),
        ("tpu-v6e-8", 8, 918, 32),
    ],
)
def test_a_tpu_slice_is_the_sum_of_its_chips(
    name: str, chips: int, per_chip_tflops: int, per_chip_gib: int
) -> None:
    found = lookup(name)
    assert found is not None
    assert found.vendor == "google"
    assert found.gflops_bf16 == chips * per_chip_tflops * 1000
    assert found.memory_mib == chips * per_chip_gib * 1024


def test_figures_are_dense_and_in_the_stated_units() -> None:
    h100 = lookup("H100")
    assert h100 is not None
    assert (h100.gflops_bf16, h100.bandwidth_mbps, h100.memory_mib) == (989_500, 3_350_000, 80 * 1024)
    t4 = lookup("T4")
    assert t4 is not None
    assert t4.precision == "fp16"


@pytest.mark.parametrize("name", KNOWN)
def test_every_figure_names_its_datasheet(name: str) -> None:
    found = lookup(name)
    assert found is not None
    assert found.datasheet
    assert found.memory_mib > 0


@given(
    st.integers(1, 300).map(lambda gib: gib * 1024),
    st.booleans(),
    st.none() | st.sampled_from(["nvidia", "amd", "aws", "intel", "NVIDIA"]),
)
def test_selection_by_memory(min_memory_mib: int, exact: bool, vendor: str | None) -> None:
    chosen = [lookup(name) for name in matching(min_memory_mib, exact, vendor)]
    wanted = GPU_VENDORS if vendor is None else (vendor.lower(),)
    for model in chosen:
        assert model is not None
        assert model.vendor in wanted
        assert model.memory_mib == min_memory_mib if exact else model.memory_mib >= min_memory_mib
    memories = [model.memory_mib for model in chosen if model is not None]
    assert memories == sorted(memories)
    if vendor is None:
        both = {*matching(min_memory_mib, exact, "nvidia"), *matching(min_memory_mib, exact, "amd")}
        assert {model.name for model in chosen if model is not None} == both


def test_known_selections() -> None:
    assert matching(80 * 1024, exact=True) == ("A100-80GB", "H100", "H100-MEGA")
    assert "H200" in matching(80 * 1024)
    assert "A100" not in matching(80 * 1024)
    assert "L4" in matching(24 * 1024), "providers report less than the marketed 24 GB"
    assert matching(100 * 1024, vendor="amd") == ("MI300X",)
    assert set(vendors()) >= {"nvidia", "amd", "google", "aws"}


@pytest.mark.parametrize(
    ("typo", "expected"),
    [
        ("A10O", "A100"),
        ("H10", "H100"),
        ("V10", "V100"),
        ("tpu-v5p-12", "tpu-v5p-128"),
        ("trainum2", "Trainium2"),
    ],
)
def test_nearest_names(typo: str, expected: str) -> None:
    assert expected in nearest(typo)


def test_nearest_gives_distinct_names_and_nothing_for_nonsense() -> None:
    found = nearest("a100 40", 3)
    assert len(set(found)) == len(found) <= 3
    assert nearest("@@@@") == ()
