"""The overlay file: read with the place of each mistake, and seen in plans."""

from __future__ import annotations

from pathlib import Path

import pytest

import sky
from catalog.overlay import MARK, Pricing
from sky import overlay_file
from sky.exceptions import SpecError
from sky.offers import offers_in_use
from sky.resources import Resources
from sky.task import Task


def write(home: Path, text: str) -> None:
    (home / ".sky").mkdir(exist_ok=True)
    (home / ".sky" / "overlay.yaml").write_text(text)


def test_the_example_reads(home: Path) -> None:
    write(home, overlay_file.EXAMPLE)
    first, second, third = overlay_file.read().rules
    assert (first.where, first.on_demand, first.spot) == (
        {"cloud": "aws", "instance_type": "p5.*"},
        Pricing(discount_ppm=300_000),
        None,
    )
    assert second.on_demand == Pricing(micro_usd=20_500_000)
    assert third.exclude
    assert third.label == "rule 3 (overlay.yaml:6)"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rules: 3", "overlay.yaml:1:1: rules: must be a list"),
        ("rulez: []", "did you mean"),
        ("rules:\n  - discount: 3%", "overlay.yaml:2:5: rules[0].where: says which offers"),
        ("rules:\n  - where: {cloud: aws}", "does nothing"),
        ("rules:\n  - where: {cloud: awz}\n    discount: 3%", "overlay.yaml:2:13: rules[0].where.cloud"),
        ("rules:\n  - where: {clod: aws}\n    discount: 3%", "unknown field in where"),
        ("rules:\n  - where: {cloud: aws}\n    discount: 130%", "overlay.yaml:3:5: rules[0].discount"),
        ("rules:\n  - where: {cloud: aws}\n    discount: half", "'half' is not a share"),
        ("rules:\n  - where: {cloud: aws}\n    price: -1", "0 or more, not -1"),
        ("rules:\n  - where: {cloud: aws}\n    price: cheap", "not a number"),
        ("rules:\n  - where: {cloud: aws}\n    price: 1\n    discount: 1%", "either price or discount"),
        ("rules:\n  - where: {cloud: aws}\n    exclude: maybe", "is true, or spot, not 'maybe'"),
        ("rules:\n  - where: {cloud: aws}\n    exclude: true\n    price: 1", "write two rules"),
        ("rules: [\n", "overlay.yaml:2:1: not valid YAML"),
        ("---\nrules: []\n---\nrules: []", "several documents"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, problem: str, home: Path) -> None:
    write(home, text)
    with pytest.raises(SpecError) as caught:
        overlay_file.read()
    assert problem.lower() in str(caught.value).lower()
    assert str(caught.value).startswith(str(home))


def test_a_plan_says_where_a_price_is_the_users_own(home: Path) -> None:
    task = Task(name="train", run="true")
    task.set_resources(Resources(cloud="lambda", accelerators="H100:8"))
    before = sky.optimize(task, quiet=True)
    write(
        home,
        "rules:\n  - where: {cloud: lambda}\n    discount: 25%\n  - where: {region: mars}\n    exclude: true",
    )
    after = sky.optimize(task, quiet=True)
    assert after.total_cost_usd == pytest.approx(0.75 * before.total_cost_usd)
    assert after.tasks[0].source == f"{before.tasks[0].source}{MARK}"
    assert any("$23.94 an hour is your own price, the list says $31.92" in n for n in after.tasks[0].notes)
    assert any("425 prices are your own, 0 offers are left out" in note for note in after.notes)
    assert any("rule 2 (overlay.yaml:4) is about no offer at all" in note for note in after.notes)
    write(home, "rules:\n  - where: {cloud: lambda}\n    exclude: true")
    with pytest.raises(sky.exceptions.ResourcesUnavailableError, match="425 offers are left out"):
        sky.optimize(task, quiet=True)


def test_the_same_file_gives_the_same_offers(home: Path) -> None:
    write(home, overlay_file.EXAMPLE)
    assert offers_in_use() is offers_in_use()
    before = offers_in_use()
    write(home, overlay_file.EXAMPLE.replace("30%", "31%"))
    assert offers_in_use() is not before


def test_a_price_asked_of_resources_is_the_users_own(home: Path) -> None:
    resources = Resources(cloud="lambda", instance_type="gpu_8x_h100_sxm5")
    assert resources.get_cost(3_600) == pytest.approx(31.92)
    write(home, "rules:\n  - where: {cloud: lambda}\n    price: 2.5")
    assert resources.get_cost(3_600) == pytest.approx(2.5)
