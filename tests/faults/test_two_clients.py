"""Two laptops with states of their own want the same hosts; two clients of one state work on one cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sky
from sky import core
from tests.faults.conftest import INFRA, MakeSite, Site, jobs, submit
from tests.integration.command import sky as command

pytestmark = pytest.mark.needs("namespaces", "time")


def laptops(made: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Bring the pool up from two homes."""
    folders = [str(tmp_path / name) for name in ("one", "two")]
    for folder in folders:
        monkeypatch.setenv("SKY_HOME", folder)
        made.bring_up()
    return folders


def launch_at_once(folders: list[str]) -> list[subprocess.CompletedProcess[str]]:
    import os

    words = ["launch", "-y", "-d", "-c", "c", "--infra", INFRA, "true"]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "sky", *words],
            env={**os.environ, "SKY_HOME": folder},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    done = []
    for process in running:
        out, err = process.communicate(timeout=120)
        done.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return done


def test_two_laptops_on_the_last_free_host_one_gets_it_and_the_other_is_told_who_has_it(
    site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site(1)
    folders = laptops(made, tmp_path, monkeypatch)
    done = launch_at_once(folders)
    codes = [each.returncode for each in done]
    assert sorted(codes) == [0, 100], done
    winner, loser = folders[codes.index(0)], folders[codes.index(100)]
    assert "is held by c (" in done[codes.index(100)].stderr
    monkeypatch.setenv("SKY_HOME", loser)
    assert command("status", "--json").json == []
    assert "c (" in command("ssh", "status").out
    assert "is held by c (" in command("launch", "-y", "-c", "mine", "--infra", INFRA, "true", code=100).err
    monkeypatch.setenv("SKY_HOME", winner)
    core.down("c")
    made.assert_nothing_left()
    monkeypatch.setenv("SKY_HOME", loser)
    made.assert_nothing_left()


def test_two_laptops_with_room_for_both_get_a_host_each(
    site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site(2)
    folders = laptops(made, tmp_path, monkeypatch)
    assert [each.returncode for each in launch_at_once(folders)] == [0, 0]
    assert len(made.held()) == 2
    for folder in folders:
        monkeypatch.setenv("SKY_HOME", folder)
        core.down("c")
    made.assert_nothing_left()


def test_stopped_cluster_whose_host_was_taken_says_by_whom_and_starts_when_it_is_free(
    site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site(1)
    first, second = laptops(made, tmp_path, monkeypatch)
    monkeypatch.setenv("SKY_HOME", first)
    made.launch("echo data > kept")
    core.stop("c")
    monkeypatch.setenv("SKY_HOME", second)
    made.launch(name="other")
    monkeypatch.setenv("SKY_HOME", first)
    assert "is held by other (" in command("start", "-y", "c", code=100).err
    monkeypatch.setenv("SKY_HOME", second)
    core.down("other")
    monkeypatch.setenv("SKY_HOME", first)
    command("start", "-y", "c")
    assert (made.head().home / "sky_workdir/kept").read_text() == "data\n"
    core.down("c")
    made.assert_nothing_left()


def test_down_while_another_client_follows_a_job_ends_that_with_a_message(site: MakeSite) -> None:
    made = site(1)
    head = made.launch()
    argv = [sys.executable, "-m", "sky", "exec", "c", "echo began; sleep 1000"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stderr is not None
        assert client.stdout.readline() == "began\n"
        command("down", "-y", "c")
        assert client.wait(60) not in {0, None}
        told = client.stderr.read()
    assert "Traceback" not in told
    assert "Error: " in told or "CANCELLED" in told or "FAILED" in told, told
    assert head.left() == []
    made.assert_nothing_left()


def test_two_clients_exec_at_once_and_both_jobs_run(site: MakeSite) -> None:
    made = site(1)
    made.launch()
    argv = [sys.executable, "-m", "sky", "exec", "c"]
    running = [
        subprocess.Popen([*argv, f"echo job {word}"], stdout=subprocess.PIPE, text=True) for word in "ab"
    ]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert said == ["job a\n", "job b\n"]
    assert list(jobs().values()) == [sky.JobStatus.SUCCEEDED] * 2
    assert submit("true") == 3
    core.down("c")
