"""The parts of a gang's runner that need no Slurm: frames, logs, and what Slurm prints."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executors.agent import frames
from executors.agent.frames import Frame
from executors.agent.gang_log import GangLog, Place
from executors.agent.slurm import granted, nodes_in
from executors.gang.bring_up import NodeFacts, _shape
from executors.gang.slurm_setup import GangShape, applied_digest, digest_of, files

_SHAPE = GangShape(("10.0.0.2", "10.0.0.3"), 2_000, 4_096, 4, "/home/u/.sky_agent/slurm", "u", "h", "22.05.8")


def test_nodes_whose_size_the_provider_does_not_state_have_what_they_say_themselves() -> None:
    head = NodeFacts("h", "u", 1, "/home/u", 8_000, 16_384, [], "22.05.8", "")
    unstated = {"cpus_milli": 0, "memory_mib": 0, "accelerator": "tpu-v5p-16", "accelerators": 1}
    shape = _shape(head, {"addresses": ["10.0.0.2", "10.0.0.3"], "capacity": unstated})
    assert "CoresPerSocket=80 ThreadsPerCore=1 RealMemory=16384" in files(shape)["slurm.conf"]


@given(st.binary(max_size=5_000))
def test_output_comes_out_of_its_frames_as_it_went_in(output: bytes) -> None:
    read, write = os.pipe()
    real = os.dup(1)
    try:
        os.dup2(write, 1)
        frames.FrameSink(frames.RUN).write(output)
    finally:
        os.dup2(real, 1)
        os.close(real)
        os.close(write)
    pending = bytearray()
    text = []
    while (lines := frames.lines_of(pending, read, 512)) is not None:
        assert all(len(line) < 1_024 for line in lines)
        text += [frames.parse(b" 7: " + line) for line in lines]
    os.close(read)
    assert pending == b""
    assert {(frame.rank, frame.kind) for frame in text if frame} <= {(7, frames.RUN)}
    assert b"".join(frame.payload for frame in text if frame) == output


@pytest.mark.parametrize(
    "line", [b"", b"srun: job 2 queued", b"0: slurmstepd: error: *** STEP 8.0 CANCELLED ***", b"0: o!"]
)
def test_what_slurm_says_is_no_frame(line: bytes) -> None:
    assert frames.parse(line) is None


def test_the_merged_log_has_whole_lines_and_each_rank_s_log_its_bytes(tmp_path: Path) -> None:
    places = [Place(0, 2, "10.0.0.4"), Place(1, 0, "10.0.0.2")]
    with (tmp_path / "run.log").open("wb") as merged:
        log = GangLog(tmp_path, merged, places)
        for rank, output in ((0, b"be"), (1, b"one\nha"), (0, b"gun\n"), (1, b"lf"), (0, b"\xff" * 70_000)):
            log.write(Frame(rank, frames.RUN, output))
        log.flush()
        log.close()
    zero, one = b"(worker2, rank=0, ip=10.0.0.4) ", b"(head, rank=1, ip=10.0.0.2) "
    assert (tmp_path / "run.log").read_bytes() == (
        one + b"one\n" + zero + b"begun\n" + zero + b"\xff" * 70_000 + b"\n" + one + b"half\n"
    )
    assert (tmp_path / "0-worker2.log").read_bytes() == b"begun\n" + b"\xff" * 70_000
    assert (tmp_path / "1-head.log").read_bytes() == b"one\nhalf"
    assert (tmp_path / "1-head.log").stat().st_mode & 0o777 == 0o600


def test_one_rank_alone_is_logged_as_on_one_node(tmp_path: Path) -> None:
    with (tmp_path / "merged").open("wb") as merged:
        log = GangLog(tmp_path, merged, [Place(0, 1, "10.0.0.3")])
        log.write(Frame(0, frames.SETUP, b"s"))
        log.write(Frame(0, frames.RUN, b"r"))
        log.close()
    contents = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert contents == {"merged": b"sr", "setup.log": b"s", "run.log": b"r"}


def test_slurm_s_names_of_nodes_and_devices_are_read() -> None:
    assert nodes_in("sky-3") == [3]
    assert nodes_in("sky-[0,2-4,11]\nsky-7") == [0, 2, 3, 4, 7, 11]
    assert nodes_in("") == []
    text = (
        "JobId=15 JOB_GRES=gpu:3 Nodes=sky-[0-1] CPU_IDs=0-4 Mem=1 GRES=gpu:1(IDX:0) "
        "Nodes=sky-2 CPU_IDs=0-4 Mem=1 GRES=gpu:2(IDX:1,3) MinCPUsNode=5"
    )
    assert granted(text) == {0: [0], 1: [0], 2: [1, 3]}
    assert granted("Nodes=sky-0 CPU_IDs=5-9 Mem=1 GRES=shard:300(IDX:1) MinCPUsNode=5") == {0: [1]}


def test_the_configuration_is_the_cluster_s_own_and_says_what_a_node_has() -> None:
    texts = files(_SHAPE)
    conf = texts["slurm.conf"].splitlines()
    assert "SlurmctldHost=h(10.0.0.2)" in conf
    assert conf[-2] == (
        "NodeName=sky-1 NodeAddr=10.0.0.3 Sockets=1 CoresPerSocket=20 ThreadsPerCore=1 RealMemory=4096"
        " Gres=gpu:4,shard:4000"
    )
    assert {"SlurmUser=u", "SlurmdUser=u", "AuthInfo=socket=/home/u/.sky_agent/slurm/munge.sock"} <= set(conf)
    assert not [
        line for line in conf if "6817" in line or "6818" in line or "/etc/" in line or "/var/" in line
    ]
    assert texts["gres.conf"].splitlines()[0] == "Name=gpu File=/home/u/.sky_agent/slurm/devices/[0-3]"


def test_the_mark_of_a_configuration_tells_texts_and_keys_apart() -> None:
    texts = files(_SHAPE)
    mark = applied_digest(texts, "a key")
    assert mark.startswith(digest_of(texts))
    assert mark != applied_digest(texts, "another key")
    assert digest_of(texts) != digest_of({**texts, "gres.conf": ""})


@pytest.mark.parametrize(
    ("version", "text"),
    [("21.08.5", ""), ("22.05.8", "CgroupPlugin=cgroup/v1\n"), ("24.11.5", "CgroupPlugin=disabled\n")],
)
def test_control_groups_are_left_alone_by_every_release(version: str, text: str) -> None:
    from dataclasses import replace

    assert files(replace(_SHAPE, version=version))["cgroup.conf"] == text
