"""From a task to a finished job and back to nothing, through the command line on this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.command import sky

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(autouse=True)
def _down(home: Path) -> Iterator[None]:
    yield
    sky("down", "--all", "-y")


def test_the_minimal_example_to_its_end() -> None:
    done = sky("launch", "-c", "first", str(EXAMPLES / "minimal.yaml"))
    assert done.out == "hello from rank 0 of 1\n"
    (cluster,) = sky("status", "--json").json
    assert (cluster["name"], cluster["status"], cluster["cloud"]) == ("first", "UP", "local")
    assert sky("status", "--ip", "first").out == "127.0.0.1\n"


def test_a_dry_run_prints_the_plan_as_json_and_makes_nothing() -> None:
    plan = sky("launch", "--dryrun", "--json", str(EXAMPLES / "minimal.yaml")).json
    assert (plan["status"], plan["tasks"][0]["cloud"], plan["total_cost_usd"]) == ("OPTIMAL", "local", 0.0)
    assert sky("status", "--json").json == []
    sky("launch", "-c", "there", "true")
    assert sky("launch", "-c", "there", "--dryrun", "--json", "true").out == "null\n"
    assert "--dryrun" in sky("launch", "--json", "true", code=2).err


@pytest.mark.parametrize(
    ("script", "code"), [("exit 3", 3), ("kill -TERM $$", 143), ("true", 0), ("exit 255", 255)]
)
def test_a_jobs_exit_code_is_the_commands(script: str, code: int) -> None:
    sky("launch", "-c", "codes", script, code=code)
    sky("exec", "codes", script, code=code)
    sky("logs", "codes", "1", code=code)
    sky("logs", "codes", "2", "--status", code=0 if code == 0 else 1)


def test_a_failing_setup_leaves_the_cluster_up() -> None:
    task = Path(os.environ["HOME"]) / "setup.yaml"
    task.write_text("setup: |\n  echo preparing\n  exit 7\nrun: echo never\n")
    done = sky("launch", "-c", "half", str(task), code=1)
    assert "preparing" in done.err
    assert "exit code 7" in done.err
    assert done.out == ""
    assert sky("status", "--json").json[0]["status"] == "UP"
    assert sky("queue", "half", "--json").json == {"half": []}
    assert sky("launch", "-c", "half", str(task), "--no-setup").out == "never\n"
    assert sky("launch", "-c", "half", str(task), "--fast").out == "never\n"
    detached = sky("launch", "-c", "half", str(task), "--detach-setup", code=None)
    assert detached.code != 0
    assert sky("queue", "half", "--json").json["half"][0]["status"] == "FAILED_SETUP"


def test_queue_logs_and_cancel() -> None:
    sky("launch", "-c", "q", "-d", "-n", "sleeper", "echo began; exec sleep 600")
    sky("exec", "q", "-d", "--", "echo", "two words; $HOME")
    jobs = sky("queue", "q", "--json").json["q"]
    assert [(job["job_id"], job["job_name"]) for job in jobs] == [(2, ""), (1, "sleeper")]
    assert sky("logs", "q", "2").out == "two words; $HOME\n"
    running = sky("queue", "q", "-s")
    assert re.search(r"^ *1 +sleeper .* RUNNING +~/sky_logs/", running.out, re.MULTILINE)
    assert sky("cancel", "q", "-y").out == "Cancelled: 1.\n"
    assert sky("queue", "q", "-s", "--json").json == {"q": []}
    assert sky("logs", "q", "1", "--no-follow", code=None).out == "began\n"
    assert sky("cancel", "q", "--all", "-y").out == "No job to cancel.\n"


def test_logs_come_down_to_a_folder(home: Path) -> None:
    sky("launch", "-c", "d", "echo kept")
    told = sky("logs", "d", "--sync-down").out
    folder = Path(told.removeprefix("Job 1: ").strip())
    assert folder.is_relative_to(home / "sky_logs")
    assert any("kept" in path.read_text() for path in folder.rglob("*.log"))


def test_stop_keeps_the_disk_and_start_brings_it_back() -> None:
    sky("launch", "-c", "s", "echo data > ~/kept")
    assert sky("stop", "s", "-y").out == "Cluster s is stopped.\n"
    refused = sky("exec", "s", "true", code=2)
    assert "sky start s" in refused.err
    sky("start", "s", "-y")
    assert sky("exec", "s", "cat ~/kept").out == "data\n"
    sky("stop", "s", "-y")
    assert sky("launch", "-c", "s", "cat ~/kept").out == "data\n"


def test_start_refuses_flags_that_make_no_sense_whatever_the_cluster() -> None:
    sky("launch", "-c", "s")
    assert "needs idle_minutes_to_autostop" in sky("start", "s", "--down", "-y", code=2).err


def test_autostop_is_set_shown_and_cancelled() -> None:
    sky("launch", "-c", "a", "-i", "30", "true")
    assert sky("status", "--json").json[0]["autostop"] == 30
    sky("autostop", "a", "-i", "5", "--down", "-y")
    assert re.search(r" 5m \(down\) ", sky("status").out)
    sky("autostop", "a", "--cancel", "-y")
    (cluster,) = sky("status", "--json").json
    assert (cluster["autostop"], cluster["to_down"]) == (-1, False)


def test_down_after_the_job() -> None:
    done = sky("launch", "-c", "gone", "--down", "echo bye; exit 4", code=4)
    assert done.out == "bye\n"
    assert sky("status", "--json").json == []


def test_workdir_envs_and_mounts(home: Path) -> None:
    (home / "work").mkdir()
    (home / "work" / "run.sh").write_text("cat data.txt ~/mounted/file; echo $LR $TOKEN")
    (home / "work" / "data.txt").write_text("data\n")
    (home / "work" / "left_out").write_text("big")
    (home / "work" / ".skyignore").write_text("left_out\n")
    (home / "mount").mkdir()
    (home / "mount" / "file").write_text("mounted\n")
    (home / "env").write_text("# comment\nexport LR='0.1 0.2'\n")
    task = home / "task.yaml"
    task.write_text(f"workdir: {home}/work\nfile_mounts:\n  ~/mounted: {home}/mount\nrun: bash run.sh; ls\n")
    done = sky(
        "launch", "-c", "w", str(task), "--env-file", str(home / "env"), "--secret", "TOKEN", TOKEN="s3cret"
    )
    assert done.out == "data\nmounted\n0.1 0.2 s3cret\ndata.txt\nrun.sh\n"
    everything = sky("status", "-a").out + sky("queue", "w").out + sky("status", "--json").out
    assert "s3cret" not in everything


def test_nulls_of_a_task_file_are_filled_in(home: Path) -> None:
    (home / "env").write_text("A=a#b # don't\nB='c # d'#e\n# B=3\n")
    task = home / "task.yaml"
    task.write_text("envs: {A: , B: }\nsecrets: {S: }\nrun: echo $A $B $S\n")
    done = sky("launch", "-c", "w", str(task), "--env-file", str(home / "env"), "--secret", "S=s3cret")
    assert done.out == "a#b c # d#e s3cret\n"


def test_the_queues_of_all_clusters_without_one_that_was_removed_outside(home: Path) -> None:
    for name in ("here", "gone"):
        sky("launch", "-c", name)
    (folder,) = (home / ".sky" / "local").glob("gone-*")
    folder.rename(home / "elsewhere")
    shown = sky("queue", "--json")
    assert shown.json == {"here": []}
    assert "cluster gone has no folder" in shown.err
    (home / "elsewhere").rename(folder)
    sky("down", "-a", "-y")


def test_endpoints_of_the_ports_that_were_opened() -> None:
    sky("launch", "-c", "p", "--ports", "8080", "--ports", "9000-9001", "--infra", "local")
    lines = ["8080: 127.0.0.1:8080", "9000: 127.0.0.1:9000", "9001: 127.0.0.1:9001"]
    assert sky("status", "p", "--endpoints").out.splitlines() == lines
    assert sky("status", "p", "--endpoint", "9001").out == "127.0.0.1:9001\n"
    assert sky("status", "p", "--endpoint", "9001", "--json").json == {"9001": "127.0.0.1:9001"}
    told = sky("status", "p", "--endpoint", "80", code=1)
    assert (told.out, "opened 8080, 9000-9001, not 80" in told.err) == ("", True)
    sky("launch", "-c", "q")
    assert "cluster q opened no port" in sky("status", "q", "--endpoints", code=1).err
    assert "name one cluster" in sky("status", "--endpoints", code=2).err
    sky("stop", "p", "-y")
    assert "is STOPPED" in sky("status", "p", "--endpoints", code=2).err


def test_status_takes_the_switches_of_managed_jobs_and_services() -> None:
    plain = sky("status")
    assert sky("status", "--no-show-managed-jobs", "--no-show-services") == plain
    shown = sky("status", "--show-managed-jobs", "--show-services")
    assert shown.out == plain.out
    assert "No managed jobs" in shown.err
    assert "No services" in shown.err


def test_secrets_given_on_the_command_line_are_not_recorded(home: Path) -> None:
    sky("launch", "-c", "w", "--secret", "TOKEN=s3cret", "--env=PW=hunter2", "true")
    assert "s3cret" not in sky("status").out
    (cluster,) = sky("status", "--json").json
    assert "TOKEN=***" in cluster["last_use"]
    for path in (home / ".sky").glob("state.db*"):
        assert b"s3cret" not in path.read_bytes()
        assert b"hunter2" not in path.read_bytes()


def test_globs_and_all() -> None:
    for name in ("dev-1", "dev-2", "other"):
        sky("launch", "-c", name)
    assert {cluster["name"] for cluster in sky("status", "dev-*", "--json").json} == {"dev-1", "dev-2"}
    told = sky("stop", "dev-*", "-y").out
    assert sorted(told.splitlines()) == ["Cluster dev-1 is stopped.", "Cluster dev-2 is stopped."]
    stopped = {row["name"]: row["status"] for row in sky("status", "--json").json}
    assert stopped == {"dev-1": "STOPPED", "dev-2": "STOPPED", "other": "UP"}
    sky("down", "-a", "-y")
    assert sky("status", "--json").json == []


def test_interrupting_the_log_leaves_the_job() -> None:
    words = [sys.executable, "-m", "sky", "launch", "-c", "i", "echo began; sleep 2; echo ended"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as launch:
        assert launch.stdout is not None
        assert launch.stdout.readline() == "began\n"
        launch.send_signal(signal.SIGINT)
        _, told = launch.communicate(timeout=60)
    assert "sky logs i 1" in told
    assert "Traceback" not in told
    assert launch.returncode == 130
    assert sky("logs", "i", "1").out == "began\nended\n"
