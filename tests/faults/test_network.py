"""Hosts are cut off, for a moment or for good, or hang."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import sky
from sky import core
from tests.executors.conftest import wait_until
from tests.faults.conftest import MakeSite, jobs, machine, status, submit
from tests.integration.command import Done
from tests.integration.command import sky as command

pytestmark = pytest.mark.needs("namespaces", "time")

COUNT = "for i in $(seq 1 {n}); do echo line $i; sleep 0.05; done"
LIMIT_S = 60.0
"""Far above what any command takes; one that hangs fails its test."""


class Following:
    """``sky logs`` in a process of its own."""

    def __init__(self, job: int) -> None:
        argv = [sys.executable, "-m", "sky", "logs", "c", str(job)]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(self._process.stdout)

    def wait_for(self, count: int) -> None:
        wait_until(lambda: len(self._lines) >= count)

    def end(self) -> Done:
        code = self._process.wait(LIMIT_S)
        self._reader.join()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        with self._process.stdout, self._process.stderr:
            return Done(code, "".join(self._lines), self._process.stderr.read())


def test_cut_of_two_seconds_during_logs_loses_and_doubles_no_line(site: MakeSite) -> None:
    head = site(1).launch()
    following = Following(submit(COUNT.format(n=100)))
    following.wait_for(5)
    machine(head).partition()
    time.sleep(2)  # the length of the cut is what is tested
    machine(head).heal()
    done = following.end()
    assert (done.code, done.out) == (0, "".join(f"line {i}\n" for i in range(1, 101)))
    core.down("c")


def test_cut_for_good_during_logs_is_told_with_the_host_and_the_job_goes_on(site: MakeSite) -> None:
    made = site(1)
    head = made.launch()
    job = submit(COUNT.format(n=200) + "; until [ -e go ]; do sleep 0.02; done")
    following = Following(job)
    following.wait_for(5)
    machine(head).partition()
    done = following.end()
    assert done.code == 1
    assert f"the connection to dev@{head.host.ip} was lost" in done.err
    assert f"Job {job} does not end with the connection. Its log: sky logs c {job}" in done.err
    state, reason = status()
    assert (state, f"{head.host.ip} does not answer" in reason) == ("INIT", True)
    machine(head).heal()
    wait_until(lambda: status() == ("UP", ""))
    assert jobs() == {job: sky.JobStatus.RUNNING}
    (head.home / "sky_workdir/go").touch()
    assert command("logs", "c", str(job)).out == "".join(f"line {i}\n" for i in range(1, 201))
    core.down("c")
    made.assert_nothing_left()


def test_hung_host_every_command_returns_with_a_message_and_all_is_well_when_it_answers_again(
    site: MakeSite,
) -> None:
    made = site(1)
    head = made.launch()
    job = submit("until [ -e go ]; do sleep 0.02; done")
    machine(head).freeze()
    words = [
        ("queue", "c"),
        ("exec", "c", "true"),
        ("logs", "c", str(job)),
        ("cancel", "-y", "c", str(job)),
        ("down", "-y", "c"),
    ]
    with ThreadPoolExecutor(len(words)) as pool:
        ended = list(pool.map(lambda each: command(*each, code=1), words))
    for done in ended:
        assert head.host.ip in done.err, done
        assert "Is it up" in done.err or "Is the host up" in done.err, done
    shown = command("status", "--refresh")
    assert f"c is INIT: dev@{head.host.ip} does not answer" in shown.err
    stopped = command("stop", "-y", "c", code=1).err
    assert f"c is not stopped on dev@{head.host.ip} (no answer within 4 s); try again" in stopped
    assert f"it may hold dev@{head.host.ip}" in command("start", "-y", "c", code=100).err
    assert "unreachable" in command("ssh", "status").out
    machine(head).thaw()
    wait_until(lambda: status() == ("UP", ""))
    assert jobs() == {job: sky.JobStatus.RUNNING}
    (head.home / "sky_workdir/go").touch()
    wait_until(lambda: jobs() == {job: sky.JobStatus.SUCCEEDED})
    core.down("c")
    made.assert_nothing_left()


def test_status_of_twenty_hosts_some_dead_cut_off_or_hung_is_true(site: MakeSite) -> None:
    made = site(20)
    for number in range(4):
        core.launch(_on(5), f"c{number}", detach_run=True, stream_logs=False)
    machine(made.nodes("c1")[1]).crash()
    machine(made.nodes("c2")[2]).partition()
    machine(made.nodes("c3")[3]).freeze()
    found = {each["name"]: each for each in core.status(refresh=True)}
    assert {name: each["status"].name for name, each in found.items()} == {
        "c0": "UP",
        "c1": "INIT",
        "c2": "INIT",
        "c3": "INIT",
    }
    for name, rank in (("c1", 1), ("c2", 2), ("c3", 3)):
        assert f"{made.nodes(name)[rank].host.ip} does not answer" in found[name]["status_reason"]
        assert found[name]["status_reason"].count("does not answer") == 1
    machine(made.nodes("c1")[1]).boot()
    machine(made.nodes("c2")[2]).heal()
    machine(made.nodes("c3")[3]).thaw()


def _on(nodes: int) -> sky.Task:
    made = sky.Task(num_nodes=nodes)
    made.set_resources(sky.Resources(infra="ssh/lab"))
    return made
