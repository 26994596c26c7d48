"""A user's mistake is one message on stderr and an exit code that says its kind; never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.command import sky

USAGE, INFEASIBLE, ERROR, BROKEN_PIPE = 2, 100, 1, 141

MISTAKES = {
    "unknown command": (["lanch"], USAGE, "Did you mean 'launch'?"),
    "unknown flag": (["launch", "--gpu", "A100"], USAGE, "--gpus"),
    "no such file": (["launch", "nowhere.yaml"], USAGE, "nowhere.yaml: no such file"),
    "bad cluster name": (["launch", "-c", "1st", "true"], USAGE, "must begin with a letter"),
    "reserved name": (["launch", "-c", "sky-serve-controller-1", "true"], ERROR, "reserved"),
    "unknown cluster": (["exec", "ghost", "true"], USAGE, "cluster 'ghost' does not exist"),
    "unknown cluster to stop": (["down", "ghost", "-y"], USAGE, "cluster 'ghost' does not exist"),
    "nothing to exec": (["exec", "ghost"], USAGE, "say what to run"),
    "no cluster named": (["stop", "-y"], USAGE, "name a cluster"),
    "names and all": (["stop", "x", "--all", "-y"], USAGE, "not both"),
    "unset variable": (["launch", "--env", "SURELY_UNSET", "true"], USAGE, "--env SURELY_UNSET"),
    "bad cpus": (["launch", "--cpus", "many", "true"], USAGE, "cpus"),
    "unknown accelerator": (["optimize", "--gpus", "A1000:8", "--", "true"], None, "A100"),
    "unknown cloud": (["optimize", "--cloud", "awz", "--", "true"], USAGE, "Did you mean 'AWS'?"),
    "does not fit here": (["launch", "--cpus", "500+", "true"], INFEASIBLE, "this machine has"),
    "fits nowhere": (["optimize", "--cpus", "100000+", "--", "true"], INFEASIBLE, "vCPUs"),
    "several nodes here": (["launch", "--num-nodes", "2", "--infra", "local", "true"], INFEASIBLE, "2 nodes"),
    "bad minimize": (["optimize", "--minimize", "fun", "--", "true"], USAGE, "fun"),
    "bad task name": (["launch", "-n", "two words", "true"], USAGE, "name: 'two words' is not a name"),
    "no such workdir": (["launch", "--workdir", "/no/such", "true"], USAGE, "'/no/such' does not exist"),
    "clusters of kubernetes": (["status", "--k8s"], ERROR, "Kubernetes"),
    "two kinds of address": (["status", "--ip", "--endpoints"], USAGE, "one of --ip"),
    "clone of nothing": (["launch", "-y", "--clone-disk-from", "x", "true"], USAGE, "'x' does not exist"),
    "unknown shell": (["completion", "tcsh"], USAGE, "tcsh"),
}


@pytest.mark.parametrize(("words", "code", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(words: list[str], code: int | None, message: str) -> None:
    done = sky(*words, code=None)
    assert done.code == code or (code is None and done.code in {USAGE, INFEASIBLE}), done
    assert message in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run: echo\nrsources: {}\n", "resources"),
        ("run: echo\nresources:\n  accelerator: A100\n", "accelerators"),
        ("run: [unclosed\n", "task.yaml:"),
        ("- just\n- a list\n", "task.yaml"),
        ("run: a\nrun: b\n", "task.yaml:2"),
        ("num_nodes: 0\nrun: a\n", "num_nodes"),
        ("workdir: /surely/not/there\nrun: a\n", "workdir"),
    ],
)
def test_mistakes_in_a_task_file(text: str, message: str, tmp_path: Path) -> None:
    task = tmp_path / "task.yaml"
    task.write_text(text)
    done = sky("launch", "-c", "x", str(task), code=USAGE)
    assert message in done.err
    assert sky("status", "--json").json == []


def test_a_bad_line_of_an_env_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\nB = 2\n")
    assert (
        "env:2: write NAME=VALUE"
        in sky("launch", "--env-file", str(tmp_path / "env"), "true", code=USAGE).err
    )


def test_an_env_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "env").write_bytes(b"A=\xff\n")
    assert "is not UTF-8" in sky("launch", "--env-file", str(tmp_path / "env"), "true", code=USAGE).err


def test_a_pipeline_cannot_be_launched_but_is_planned(tmp_path: Path) -> None:
    task = tmp_path / "two.yaml"
    task.write_text("name: two\n---\nname: a\nrun: a\n---\nname: b\nrun: b\n")
    assert "holds 2 tasks" in sky("launch", str(task), code=USAGE).err
    assert len(sky("optimize", str(task), "--json").json["tasks"]) == 2


def test_a_mismatch_with_the_cluster_says_what_it_has() -> None:
    sky("launch", "-c", "small")
    told = sky("exec", "small", "--gpus", "A100:8", "--", "true", code=ERROR).err
    assert "cluster small has" in told
    assert "A100:8" in told
    sky("down", "small", "-y")


def test_declining_changes_nothing() -> None:
    sky("launch", "-c", "kept")
    done = subprocess.run(
        [sys.executable, "-m", "sky", "down", "kept"],
        input="n\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ERROR
    assert "Tear down 1 cluster: kept. Proceed?" in done.stderr
    assert [cluster["name"] for cluster in sky("status", "--json").json] == ["kept"]
    sky("down", "kept", "-y")


def test_debug_shows_the_origin() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sky", "exec", "ghost", "true"],
        env={**os.environ, "SKY_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" in done.stderr
    assert "ClusterDoesNotExist" in done.stderr


@pytest.fixture
def unread() -> Iterator[int]:
    """A pipe whose reader left."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize(
    "words",
    [["--help"], ["show-gpus", "--all"], ["optimize", "--json", "--", "true"], ["catalog", "ls"]],
    ids=" ".join,
)
def test_a_reader_that_left_ends_the_command_quietly(words: list[str], unread: int) -> None:
    """The exit code is what a shell shows of a program that SIGPIPE ended."""
    argv = [sys.executable, "-m", "sky", *words]
    done = subprocess.run(argv, stdout=unread, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, b"")


def test_a_mistake_that_nobody_reads(unread: int) -> None:
    done = subprocess.run([sys.executable, "-m", "sky", "lanch"], stdout=unread, stderr=unread, check=False)
    assert done.returncode == BROKEN_PIPE
