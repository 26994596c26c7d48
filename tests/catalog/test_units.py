"""Units: integers inside, text at the edge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import units
from catalog.errors import UserError


@given(st.integers(0, 10**12))
def test_money_survives_the_way_out_and_back(micro: int) -> None:
    assert units.micro_usd(units.usd(micro)) == micro
    assert units.micro_usd(f"${units.usd(micro):.6f}") == micro


@given(st.integers(0, 999_999))
def test_counts_survive_the_way_out_and_back(count_milli: int) -> None:
    assert units.milli(units.format_milli(count_milli)) == count_milli


@given(st.integers(0, 2**20))
def test_sizes_in_half_gib_survive_the_way_out_and_back(halves: int) -> None:
    assert units.mib(units.format_mib(halves * 512)) == pytest.approx(halves * 512, rel=1e-5)
    assert units.mib(f"{halves * 512}MB") == halves * 512


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (32, 32 * 1024),
        (0.5, 512),
        ("32", 32 * 1024),
        ("32GB", 32 * 1024),
        ("32 gib", 32 * 1024),
        ("32g", 32 * 1024),
        ("512MB", 512),
        ("1TB", 1024 * 1024),
        ("1.5T", 1536 * 1024),
        ("2048kb", 2),
        ("1PB", 2**30),
    ],
)
def test_sizes_are_read_in_binary_units(text: float | str, expected: int) -> None:
    assert units.mib(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1XB", "10b", "1e3", "1 2", "nan", True, None])
def test_what_is_not_a_size_is_refused_by_field_name(text: object) -> None:
    with pytest.raises(UserError, match=r"^memory: "):
        units.mib(text, "memory")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (90, 90),
        ("90", 90),
        ("90s", 90),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("2d", 172_800),
        ("1W", 604_800),
        ("0s", 0),
    ],
)
def test_durations(text: float | str, expected: int) -> None:
    assert units.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "h", "1x", "1h30", "half an hour", True])
def test_what_is_not_a_duration_is_refused(text: object) -> None:
    with pytest.raises(UserError, match=r"^time: .*for example"):
        units.seconds(text, "time")  # type: ignore[arg-type]


@given(st.integers(0, 10**9))
def test_a_formatted_duration_reads_back_within_its_precision(total_s: int) -> None:
    text = units.format_seconds(total_s)
    back = units.seconds(text)
    step = 3_600 if total_s >= 86_400 else 60 if total_s >= 3_600 else 1
    assert back <= total_s < back + step


@pytest.mark.parametrize("huge", ["9" * 40, 10**40, 1e300, "1e999999"])
def test_numbers_beyond_all_use_are_user_errors(huge: float | str) -> None:
    with pytest.raises(UserError, match="too large"):
        units.micro_usd(huge)


def test_huge_sizes_and_durations_are_user_errors() -> None:
    with pytest.raises(UserError, match="too large"):
        units.mib("9" * 40 + "TB")
    with pytest.raises(UserError, match="too large"):
        units.seconds("9" * 40 + "d")


@pytest.mark.parametrize("value", ["", "$", "free", float("nan"), float("inf"), True])
def test_what_is_not_money_is_refused(value: float | str) -> None:
    with pytest.raises(UserError, match=r"^price: "):
        units.micro_usd(value)


@pytest.mark.parametrize(
    ("micro", "expected"),
    [
        (0, "$0"),
        (32_772_600, "$32.77"),
        (1_234_567_000_000, "$1,234,567.00"),
        (526_000, "$0.526"),
        (2_800, "$0.0028"),
        (10, "$0.00001"),
        (1, "$0.000001"),
    ],
)
def test_money_is_shown_without_exponents(micro: int, expected: str) -> None:
    assert units.format_usd(micro) == expected


@given(st.floats(0, 10**6, allow_nan=False))
def test_rounding_is_to_the_nearest_unit(value: float) -> None:
    assert abs(units.milli(value) - value * 1000) <= 0.5 + 1e-6
