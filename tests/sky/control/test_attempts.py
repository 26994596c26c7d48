"""From a task's fields to how its job is ordered, limited, placed and tried again."""

from __future__ import annotations

import pytest

import sky
from executors.job import JobSpec
from sky.control.jobspec import job_spec
from sky.control.records import ClusterRecord
from sky.exceptions import SpecError
from tests.sky.control.test_placement import PLAIN


def _spec(text: str = "", task: sky.Task | None = None) -> JobSpec:
    asked = task or sky.Task.from_yaml_str(text)
    record = ClusterRecord("dev", "dev-1", "ssh", PLAIN, num_nodes=3)
    (resources,) = asked.resources
    return job_spec(asked, resources, record, ["10.0.0.1", "10.0.0.2", "10.0.0.3"], stamp="sky-t")


def test_nothing_asked_is_one_attempt_without_a_limit() -> None:
    spec = _spec("run: echo x")
    assert (spec.priority, spec.max_duration_s, spec.retries, spec.retry_codes) == (0, None, 0, ())
    assert not spec.pinned


@pytest.mark.parametrize(
    ("recovery", "wanted"),
    [
        ("{max_restarts_on_errors: 2}", (2, ())),
        ("{max_restarts_on_errors: 5, recover_on_exit_codes: [75, 33]}", (5, (33, 75))),
        ("{recover_on_exit_codes: 75}", (3, (75,))),
        ("failover", (0, ())),
    ],
)
def test_job_recovery_says_how_often_and_after_what(recovery: str, wanted: tuple[int, object]) -> None:
    spec = _spec(f"run: echo x\nresources: {{priority: -7, job_recovery: {recovery}}}")
    assert (spec.retries, spec.retry_codes) == wanted
    assert spec.priority == -7


def test_a_time_limit_is_read_kept_and_written() -> None:
    task = sky.Task.from_yaml_str("run: echo x\nmax_duration: 1h30m")
    assert _spec(task=task).max_duration_s == 5_400
    again = sky.Task.from_yaml_config(task.to_yaml_config())
    assert again.max_duration_s == 5_400
    for wrong in ("0s", "soon", -5):
        with pytest.raises(SpecError, match="max_duration"):
            sky.Task(run="echo x", max_duration=wrong)


def test_a_function_was_asked_with_the_first_addresses_and_runs_there() -> None:
    def run(rank: int, ips: list[str]) -> str:
        return f"echo {rank} {len(ips)} {ips[0]}"

    spec = _spec(task=sky.Task(run=run, num_nodes=2))
    assert spec.scripts == ("echo 0 2 10.0.0.1", "echo 1 2 10.0.0.1")
    assert spec.pinned
