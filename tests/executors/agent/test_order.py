"""Which job goes first, how often it is tried, and how long it may take, on one node."""

from __future__ import annotations

from pathlib import Path

from executors.agent import store
from executors.job import Demand, JobState
from tests.executors.conftest import Node, spec, wait_until

_WHOLE = Demand(cpus_milli=2_000)


def test_the_highest_priority_goes_first_then_the_oldest(node: Node) -> None:
    hold = node.queue.submit(spec("until [ -e ~/go ]; do sleep 0.02; done", demand=_WHOLE))
    wait_until(lambda: node.queue.jobs([hold])[0].state is JobState.RUNNING)
    jobs = node.queue.submit_many(
        [
            spec(f"echo {name} >> ~/order", demand=_WHOLE, priority=priority)
            for name, priority in (("low", -1), ("plain", 0), ("high", 7), ("later", 0))
        ]
    )
    (node.home / "go").touch()
    wait_until(lambda: all(job.state.terminal for job in node.queue.jobs(jobs)))
    assert (node.home / "order").read_text().split() == ["high", "plain", "later", "low"]


def test_a_failed_job_is_tried_again_under_its_id(node: Node) -> None:
    job = node.queue.submit(
        spec(
            "echo x >> ~/n; [ $(wc -l < ~/n) -ge 3 ] || exit 75", setup="echo s", retries=2, retry_codes=(75,)
        )
    )
    output = b"".join(node.queue.tail(job)).decode().splitlines()
    assert output == [
        *("s", "sky: attempt 1 of 3 failed with exit code 75; again"),
        *("s", "sky: attempt 2 of 3 failed with exit code 75; again", "s"),
    ]
    assert node.queue.jobs([job])[0].state is JobState.SUCCEEDED


def test_only_chosen_exit_codes_are_tried_again_and_so_often_as_said(node: Node) -> None:
    other = node.queue.submit(spec("echo x; exit 3", retries=2, retry_codes=(75,), run_timestamp="a"))
    always = node.queue.submit(spec("echo x; exit 3", retries=2, run_timestamp="b"))
    assert b"".join(node.queue.tail(other)) == b"x\n"
    assert b"".join(node.queue.tail(always)).count(b"x\n") == 3
    assert {(job.state, job.exit_code) for job in node.queue.jobs()} == {(JobState.FAILED, 3)}


def test_a_job_that_takes_too_long_is_ended_and_says_so(node: Node) -> None:
    job = node.queue.submit(
        spec("trap 'echo told; exit 0' TERM; sleep 300 & wait", max_duration_s=1, retries=1)
    )
    output = b"".join(node.queue.tail(job)).decode()
    assert output == "told\nsky: the job took longer than its max_duration, 1 s, and was ended\n"
    record = node.queue.jobs([job])[0]
    assert (record.state, record.exit_code) == (JobState.FAILED, 124)
    setup = node.queue.submit(spec("echo run", setup="sleep 300", max_duration_s=1, run_timestamp="s"))
    wait_until(lambda: node.queue.jobs([setup])[0].state is JobState.FAILED_SETUP)
    assert node.queue.jobs([setup])[0].exit_code == 124


def test_a_job_between_attempts_can_be_cancelled(node: Node) -> None:
    job = node.queue.submit(spec("echo ready; exit 1", retries=1_000_000))
    wait_until(lambda: b"attempt 3 of" in b"".join(node.queue.tail(job, follow=False)))
    assert node.queue.cancel([job]) == [job]
    assert node.queue.jobs([job])[0].state is JobState.CANCELLED


def test_a_database_of_the_release_before_gets_priorities(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    connection = store.connect(path)
    connection.execute("ALTER TABLE jobs DROP COLUMN priority")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    upgraded = store.connect(path)
    assert "priority" in {row["name"] for row in upgraded.execute("PRAGMA table_info(jobs)")}
    upgraded.close()


def test_what_a_job_s_end_forgets_is_in_no_file_of_the_database(node: Node) -> None:
    job = node.queue.submit(spec("true", env={"TOKEN": "s3cret-in-the-database"}))
    wait_until(lambda: node.queue.jobs([job])[0].state is JobState.SUCCEEDED)

    def left() -> bool:
        return any(b"s3cret-in-the" in path.read_bytes() for path in node.state.glob("agent.db*"))

    wait_until(lambda: not left())
