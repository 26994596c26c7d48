"""What Slurm prints, as values: recorded of 22.05, and by hand what the test site does not have."""

from __future__ import annotations

import pytest

from catalog.offer import Market
from executors.api import NodeState
from executors.slurm import duration, holder
from executors.slurm.clusters import SlurmCluster
from executors.slurm.gres import Gpus, accelerator_name, gpus
from executors.slurm.login import ClusterLook
from executors.slurm.node_classes import NodeClass, parse
from executors.slurm.offers import of_cluster
from executors.slurm.share import shares_of
from executors.transports.address import Address

SINFO = """\
cpu|up|4|8192|mixed|1|infinite|1-infinite|NO|(null)
cpu|up|4|8192|idle|1|infinite|1-infinite|NO|(null)
gpu|up|64|515000|allocated|2|2-00:00:00|1-8|NO|gpu:a100:8(S:0-1)
gpu|up|64|515000|idle|3|2-00:00:00|1-8|NO|gpu:a100:8(S:0-1)
gpu|up|64|515000|down*|1|2-00:00:00|1-8|NO|gpu:a100:8(S:0-1)
gpu|up|64|515000|drained|1|2-00:00:00|1-8|NO|gpu:a100:8(S:0-1)
gpu|up|64|515000|idle*|1|2-00:00:00|1-8|NO|gpu:a100:8(S:0-1)
whole|up|16|1|idle~|2|1:00:00|1|EXCLUSIVE|gpu:2,craynetwork:4
closed|down|4|8192|idle|1|30:00|1-infinite|YES:4|(null)
"""
LAB = SlurmCluster("lab", Address("login"), price_micro_usd=8_000_000)


def test_rows_of_equal_nodes_are_one_class_with_the_usable_and_the_idle_counted() -> None:
    cpu, gpu, whole, closed = parse(SINFO)
    assert cpu == NodeClass("cpu", 4, 8_192, None, True, None, None, False, usable=2, idle=1)
    assert gpu == NodeClass(
        "gpu", 64, 515_000, Gpus("a100", 8), True, 8, 2 * 24 * 60, False, usable=5, idle=3
    )
    assert whole == NodeClass("whole", 16, 0, Gpus("", 2), True, 1, 60, True, usable=2, idle=2)
    assert (closed.up, closed.max_minutes) == (False, 30)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(null)", ()),
        ("gpu:2", (Gpus("", 2),)),
        ("gpu", (Gpus("", 1),)),
        ("gpu:a100:4(S:0,2-3),craynetwork:1", (Gpus("a100", 4),)),
        ("shard:16,gpu:h100:8(IDX:0-7)", (Gpus("h100", 8),)),
        ("gpu:v100:2,gpu:nvidia_a100_80gb_pcie:1", (Gpus("v100", 2), Gpus("nvidia_a100_80gb_pcie", 1))),
        ("gpu:1g.5gb:7", (Gpus("1g.5gb", 7),)),
    ],
)
def test_gres_are_read_in_every_form(text: str, found: tuple[Gpus, ...]) -> None:
    assert gpus(text) == found


@pytest.mark.parametrize(
    ("gres", "name"),
    [
        ("a100", "A100"),
        ("A100", "A100"),
        ("nvidia_a100_80gb_pcie", "A100-80GB"),
        ("a100-sxm4-80gb", "A100-80GB"),
        ("tesla_v100", "V100"),
        ("v100-sxm2-32gb", "V100-32GB"),
        ("nvidia_h100_nvl", "H100"),
        ("rtx_4090", "RTX4090"),
        ("nvidia_geforce_rtx_3090", "RTX3090"),
        ("l40s", "L40S"),
        ("mi300x", "MI300X"),
        ("a100_3g.20gb", "a100_3g.20gb"),
        ("pascal", "pascal"),
    ],
)
def test_types_of_gres_bear_the_names_of_the_catalog(gres: str, name: str) -> None:
    assert accelerator_name(gres) == name


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("infinite", None),
        ("n/a", None),
        ("UNLIMITED", None),
        ("90", 90),
        ("30:00", 30),
        ("0:01", 1),
        ("1:00:00", 60),
        ("2-00:00:00", 2_880),
        ("1-2", 26 * 60),
        ("1-02:30", 26 * 60 + 30),
        ("7-23:59:59", 8 * 24 * 60),
    ],
)
def test_durations_are_read_as_slurm_writes_them(text: str, minutes: int | None) -> None:
    assert duration.minutes(text) == minutes
    if minutes is not None:
        assert duration.minutes(duration.text(minutes)) == minutes


def test_a_node_is_offered_in_shares_and_an_exclusive_one_whole() -> None:
    cpu, gpu, whole, _ = parse(SINFO)
    assert [share.name for share in shares_of(cpu)] == ["001cpu-2gb", "002cpu-4gb", "004cpu-8gb"]
    assert [share.name for share in shares_of(gpu)] == [
        *("008cpu-63gb-A100x1", "016cpu-126gb-A100x2", "032cpu-251gb-A100x4", "064cpu-503gb-A100x8")
    ]
    assert [share.name for share in shares_of(whole)] == ["016cpu-GPUx2"]


def test_an_offer_is_a_share_with_its_part_of_the_price_and_the_reason_where_it_cannot_be_had() -> None:
    found = {
        (each.offer.key.zone, each.offer.key.instance_type): each for each in of_cluster(LAB, parse(SINFO))
    }
    one = found["gpu", "008cpu-63gb-A100x1"]
    assert one.offer.key.accelerator_count_milli == 1_000
    assert one.offer.key.market is Market.OWNED
    assert (one.offer.price_micro_usd, one.offer.accelerator_memory_mib) == (1_000_000, 40 * 1_024)
    assert (one.free, one.room) == (
        5,
        "partition gpu has 5 of them working, 3 idle and gives a job at most 8 (MaxNodes)",
    )
    assert found["whole", "016cpu-GPUx2"].free == 1
    closed = found["closed", "004cpu-8gb"]
    assert (closed.free, closed.room) == (0, "partition closed is down")


def test_partitions_can_be_left_out_and_a_longer_time_than_theirs_is_refused() -> None:
    some = SlurmCluster("lab", Address("login"), partitions=("gpu", "whole"), time_minutes=24 * 60)
    found = list(of_cluster(some, parse(SINFO)))
    assert {each.offer.key.zone for each in found} == {"gpu", "whole"}
    refused = {each.room for each in found if each.free == 0}
    assert len(refused) == 1
    assert "partition whole gives at most 0-01:00:00 (MaxTime)" in refused.pop()


def look(state: str, reason: str = "None", **said: str) -> ClusterLook:
    job = {"JobId": "7", "JobState": state, "Reason": reason, **said}
    return ClusterLook("c-1", "/home/ada/.sky_slurm/c-1", "{}", agent=True, job=job)


@pytest.mark.parametrize(
    ("state", "cluster"),
    [
        ("PENDING", NodeState.PENDING),
        ("CONFIGURING", NodeState.PENDING),
        ("RUNNING", NodeState.RUNNING),
        ("COMPLETING", NodeState.RUNNING),
        ("SUSPENDED", NodeState.DEGRADED),
        ("TIMEOUT", NodeState.STOPPED),
        ("NODE_FAIL", NodeState.STOPPED),
        ("UNKNOWN", NodeState.STOPPED),
    ],
)
def test_the_holders_state_is_the_clusters(state: str, cluster: NodeState) -> None:
    assert holder.state_of(look(state)) is cluster


def test_reasons_are_slurms_with_what_they_mean() -> None:
    assert holder.why(look("PENDING", "Resources", StartTime="2026-11-26T01:00:00")) == (
        "Slurm job 7 waits (Resources), expected to start at 2026-11-26 01:00:00"
    )
    assert holder.why(look("TIMEOUT", "TimeLimit", TimeLimit="01:00:00")) == (
        "Slurm ended its job 7: TIMEOUT, its time was over (time limit 01:00:00); its files are kept"
    )
    assert "PREEMPTED" in holder.why(look("PREEMPTED"))
    assert "does not know it any more" in holder.why(look("UNKNOWN"))
    assert holder.never(look("PENDING", "PartitionNodeLimit")).endswith("(PartitionNodeLimit)")
    assert holder.never(look("PENDING", "Resources")) == ""
    gone = ClusterLook("c-1")
    assert (holder.state_of(gone), holder.why(gone)) == (NodeState.GONE, "")
