"""The disk of a host is full: while files are copied, while a job prints, and when the agent records."""

from __future__ import annotations

from pathlib import Path

import pytest

import sky
from sky import core
from tests.executors.conftest import wait_until
from tests.faults.conftest import MakeSite, jobs, machine, over, status, submit
from tests.integration.command import sky as command

pytestmark = pytest.mark.needs("namespaces", "time")


def test_full_during_sync_is_told_and_nothing_half_copied_stands_under_its_name(
    site: MakeSite, tmp_path: Path
) -> None:
    made = site(1)
    head = made.launch()
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "data").write_bytes(b"x" * 5_000_000)
    machine(head).fill_disk()
    told = command("exec", "--workdir", str(tmp_path / "w"), "c", "cat data", code=1).err
    assert "No space left on device; make room on the node" in told
    assert [path.name for path in (head.home / "sky_workdir").iterdir() if path.name == "data"] == []
    machine(head).free_disk()
    done = command("exec", "--workdir", str(tmp_path / "w"), "c", "wc -c <data; ls -A | wc -l")
    assert done.out.split() == ["5000000", "1"]
    core.down("c")
    made.assert_nothing_left()


def test_full_at_the_agents_database_refuses_the_job_and_takes_it_when_there_is_room(site: MakeSite) -> None:
    made = site(1)
    head = made.launch()
    first = submit("true")
    wait_until(lambda: over(first))
    machine(head).fill_disk()
    for words in (("exec", "c", "true"), ("exec", "-d", "c", "true")):
        assert "the disk of the node is full, and nothing was done; make room" in command(*words, code=1).err
    assert jobs() == {first: sky.JobStatus.SUCCEEDED}
    assert status() == ("UP", "")
    machine(head).free_disk()
    assert command("exec", "c", "echo fits").out == "fits\n"
    assert jobs() == {first: sky.JobStatus.SUCCEEDED, first + 1: sky.JobStatus.SUCCEEDED}
    core.down("c")


def test_full_during_output_the_log_says_what_is_missing_and_the_end_is_recorded(site: MakeSite) -> None:
    made = site(1)
    head = made.launch()
    job = submit(
        "echo before; touch began; until [ -e full ]; do sleep 0.02; done; seq 1 100000; touch printed\n"
        "until [ -e room ]; do sleep 0.02; done; echo after; exit 5"
    )
    workdir = head.home / "sky_workdir"
    wait_until((workdir / "began").exists)
    (workdir / "full").touch()
    machine(head).fill_disk()
    (log,) = (head.home / "sky_logs").glob("*/run.log")
    wait_until((workdir / "printed").exists)
    machine(head).free_disk()
    (workdir / "room").touch()
    wait_until(lambda: over(job))
    (record,) = core.queue("c")
    assert (record["status"], record["exit_code"]) == (sky.JobStatus.FAILED, 5)
    text = log.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "bytes of output are missing here: the disk of the node was full" in text
    core.down("c")


def test_full_when_a_job_ends_its_end_is_recorded_when_there_is_room(site: MakeSite) -> None:
    head = site(1).launch()
    job = submit("touch began; until [ -e end ]; do sleep 0.02; done; exit 6")
    workdir = head.home / "sky_workdir"
    wait_until((workdir / "began").exists)
    machine(head).fill_disk()
    (workdir / "end").touch()
    wait_until(lambda: not any("-run.sh" in word for each in head.host.processes() for word in each.argv))
    machine(head).free_disk()
    wait_until(lambda: over(job))
    assert [each["exit_code"] for each in core.queue("c")] == [6]
    core.down("c")


@pytest.mark.parametrize("verb", ["stop", "down"])
def test_full_host_can_be_stopped_and_taken_down(site: MakeSite, verb: str) -> None:
    made = site(1)
    head = made.launch()
    submit("echo data > kept; touch began; sleep 1000")
    wait_until((head.home / "sky_workdir/began").exists)
    machine(head).fill_disk()
    command(verb, "-y", "c")
    machine(head).free_disk()
    if verb == "stop":
        core.start("c")
        assert (head.home / "sky_workdir/kept").read_text() == "data\n"
        core.down("c")
    made.assert_nothing_left()
