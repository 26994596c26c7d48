"""What the user writes becomes integers, and each default that is added is said."""

from __future__ import annotations

from pathlib import Path

import pytest

import sky
from catalog.errors import UserError
from catalog.offer import Market
from sky.compile import compile_request, scope_of, unique_names
from sky.optimizer import as_dag
from solver.request import Accelerators, Basis, Edge, Objective, Range, Requirement, TaskRequest


def compiled(*alternatives: sky.Resources, ordered: bool = False, **fields: object) -> TaskRequest:
    task = sky.Task(run="true", **fields)
    task.set_resources(list(alternatives) if ordered else set(alternatives))
    return compile_request(as_dag(task), Objective.COST).tasks[0]


def required(**fields: object) -> Requirement:
    return compiled(sky.Resources(**fields)).requirements[0]


def test_only_clouds_that_can_run_containers_are_asked_for_one(home: Path) -> None:
    clouds = required(image_id="docker:team/tool").clouds
    assert {"aws", "gcp", "kubernetes"} < set(clouds)
    assert {"local", "slurm", "ssh"}.isdisjoint(clouds)
    assert required().clouds == ()
    (home / ".sky").mkdir(exist_ok=True)
    (home / ".sky" / "config.yaml").write_text("allowed_clouds: [gcp, lambda, ssh]\n")
    assert required(image_id="docker:team/tool").clouds == ("gcp", "lambda")


def test_nothing_asked_for_is_8_vcpus_with_4_gib_each_and_says_so() -> None:
    requirement = required()
    assert requirement.vcpus_milli == Range(8_000, None)
    assert requirement.memory_mib == Range(32 * 1_024, None)
    assert [said for _, said in requirement.defaults if said.startswith("no ")] == [
        "no size was asked for: at least 8 vCPUs (cpus:)",
        "no memory was asked for: at least 32 GiB, 4 for each vCPU (memory:)",
    ]


@pytest.mark.parametrize(
    ("cpus", "memory", "vcpus_milli", "memory_mib", "per_vcpu"),
    [
        ("4", None, Range(4_000, 4_000), Range(16 * 1_024, None), None),
        ("4+", None, Range(4_000, None), Range(16 * 1_024, None), None),
        ("4+", "8", Range(4_000, None), Range(8 * 1_024, 8 * 1_024), None),
        ("4+", "8+", Range(4_000, None), Range(8 * 1_024, None), None),
        ("0.5+", "2x", Range(500, None), Range(), 2_048),
        (None, "64GB+", Range(), Range(64 * 1_024, None), None),
        (None, "1TB", Range(), Range(1_024 * 1_024, 1_024 * 1_024), None),
    ],
)
def test_sizes(cpus: str, memory: str, vcpus_milli: Range, memory_mib: Range, per_vcpu: int | None) -> None:
    requirement = required(cpus=cpus, memory=memory)
    assert (requirement.vcpus_milli, requirement.memory_mib) == (vcpus_milli, memory_mib)
    assert requirement.memory_mib_per_vcpu == per_vcpu


def test_an_accelerator_request_gets_no_size_of_its_own() -> None:
    requirement = required(accelerators="A100:8")
    assert requirement.accelerators == (Accelerators("A100", 8_000),)
    assert (requirement.vcpus_milli, requirement.memory_mib) == (Range(), Range())


def test_a_fraction_of_an_accelerator_also_fits_a_whole_one() -> None:
    requirement = required(accelerators="T4:0.5")
    assert requirement.accelerators == (Accelerators("T4", 500), Accelerators("T4", 1_000))
    assert "T4:0.5 also fits on a whole T4" in requirement.notes


def test_careful_defaults_are_said_and_give_way_to_what_is_asked() -> None:
    careful = required(cpus="4+")
    assert careful.archs == ("x86_64",)
    flags = ("allow_burstable", "allow_bare_metal", "allow_restricted_regions")
    assert [getattr(careful, flag) for flag in flags] == [False] * 3
    assert sum(said.startswith("left out unless asked for") for _, said in careful.defaults) == 4
    asked = required(
        cpus="4+", arch="any", allow_burstable=True, allow_bare_metal=True, allow_restricted_regions=True
    )
    assert asked.archs == ()
    assert [getattr(asked, flag) for flag in flags] == [True] * 3
    assert not any(said.startswith("left out") for _, said in asked.defaults)


def test_a_named_instance_type_brings_its_own_kind_and_no_default() -> None:
    requirement = required(cloud=sky.AWS(), instance_type="t4g.small")
    assert requirement.archs == ()
    assert requirement.allow_burstable
    assert requirement.vcpus_milli == Range(2_000, 2_000)
    assert requirement.memory_mib == Range(2_048, 2_048)
    assert requirement.defaults == requirement.notes == ()


def test_a_named_region_may_be_a_restricted_one() -> None:
    assert required(cloud=sky.Azure(), region="brazilsoutheast", cpus="2+").allow_restricted_regions


def test_spot_is_bought_only_when_asked_for() -> None:
    assert required(cpus="4+").markets == (Market.ON_DEMAND,)
    assert required(cpus="4+", use_spot=True).markets == (Market.SPOT,)


def test_max_hourly_cost_is_a_price_ceiling() -> None:
    assert required(cpus="4+", max_hourly_cost=1.25).max_price_micro_usd == 1_250_000


def test_this_machine_has_no_default_size() -> None:
    requirement = required(infra="local")
    assert requirement.cloud == "local"
    assert requirement.vcpus_milli == Range()
    assert required(infra="local", cpus="1", memory="1").vcpus_milli == Range(1_000, None)


def test_alternatives_keep_their_order_only_when_ordered() -> None:
    a100, h100 = sky.Resources(accelerators="A100:8"), sky.Resources(accelerators="H100:8")
    ordered = compiled(h100, a100, ordered=True)
    assert ordered.ordered
    assert [each.accelerators[0].name for each in ordered.requirements] == ["H100", "A100"]
    assert compiled(a100, h100) == compiled(h100, a100)
    assert not compiled(a100, h100).ordered


def test_without_an_estimate_one_accelerator_runs_an_hour() -> None:
    runtime = required(accelerators="A100:8").runtime
    assert (runtime.seconds, runtime.basis) == (3_600, Basis.FIXED)


def test_without_an_estimate_several_scale_from_the_slowest() -> None:
    task = compiled(sky.Resources(accelerators="A100:8"), sky.Resources(accelerators="H100:8"))
    for requirement in task.requirements:
        assert requirement.runtime.basis is Basis.ACCELERATORS
        assert requirement.runtime.reference == 8 * 312_000
        assert "A100:8" in requirement.runtime.note


def test_a_declared_estimate_states_its_reference() -> None:
    config = {
        "run": "true",
        "estimate": {"runtime": "2h", "cpus": 8, "scaling": 0.5},
        "resources": {"cpus": "4+"},
    }
    task = sky.Task.from_yaml_config(config)
    runtime = compile_request(as_dag(task), Objective.TIME).tasks[0].requirements[0].runtime
    assert (runtime.seconds, runtime.basis, runtime.reference, runtime.exponent) == (
        7_200,
        Basis.VCPUS,
        8_000,
        0.5,
    )


def test_a_time_estimator_is_asked_for_each_accelerator() -> None:
    task = sky.Task(run="true")
    task.set_resources(sky.Resources(accelerators="80GB+:8"))
    task.set_time_estimator(lambda resources: 100 if "H100" in resources.accelerators else 300.2)
    requirement = compile_request(as_dag(task), Objective.TIME).tasks[0].requirements[0]
    seconds = {
        option.name: runtime.seconds
        for option, runtime in zip(requirement.accelerators, requirement.runtimes, strict=True)
    }
    assert seconds["H100"] == 100
    assert seconds["A100-80GB"] == 301


@pytest.mark.parametrize("answer", [0, -1, float("nan"), float("inf"), 1e30, None, "1h"])
def test_a_time_estimator_must_return_a_positive_number(answer: object) -> None:
    task = sky.Task(name="train", run="true")
    task.set_resources(sky.Resources(accelerators="A100"))
    task.set_time_estimator(lambda _: answer)
    with pytest.raises(UserError, match=r"train.*positive number of seconds"):
        compile_request(as_dag(task), Objective.TIME)


def test_edges_carry_what_the_parent_writes_and_inputs_name_their_cloud() -> None:
    with sky.Dag() as dag:
        first = sky.Task(name="first", run="true").set_outputs("s3://bucket", 12.5)
        second = sky.Task(name="second", run="true").set_inputs("gs://data", 3)
        first >> second
    request = compile_request(dag, Objective.COST)
    assert request.edges == (Edge(0, 1, 12_500_000_000),)
    assert [(source.cloud, source.size_bytes) for source in request.tasks[1].inputs] == [
        ("gcp", 3_000_000_000)
    ]


def test_unnamed_and_repeated_names_become_unique() -> None:
    tasks = [sky.Task(name=name, run="true") for name in ("a", None, "a", "a-2")]
    assert unique_names(tasks) == ["a", "task-1", "a-2", "a-2-2"]


def test_a_block_compares_only_what_it_sets() -> None:
    scope = scope_of(sky.Resources(cloud=sky.AWS(), accelerators="A100:8"))
    assert (scope.cloud, scope.accelerator, scope.accelerator_count_milli) == ("aws", "A100", 8_000)
    assert (scope.region, scope.instance_type, scope.market) == (None, None, None)
    assert scope_of(sky.Resources(cloud=sky.AWS(), use_spot=True)).market is Market.SPOT
    with pytest.raises(UserError, match="no field set"):
        scope_of(sky.Resources())
