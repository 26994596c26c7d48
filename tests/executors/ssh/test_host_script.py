"""``host.sh`` on a home of its own: repeated, killed at any command, beside what the user had there."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from executors.ssh.host import SCRIPT
from executors.ssh.reservation import Reservation

FOLDERS = ("sky_workdir", "sky_logs", ".sky_agent")
MINE = Reservation("c-1", "dev", "ada@laptop", 1)
OTHERS = replace(MINE, cluster_id="c-12", cluster_name="prod")
_KILLED_AT = 'trap \'n=$((n + 1)); [ "$n" -ne "$KILL_AT" ] || kill -9 $$\' DEBUG; set -T; n=0\n'


class Home:
    """A login user's home on a host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def run(self, *words: str, kill_at: int | None = None) -> subprocess.CompletedProcess[str]:
        script = SCRIPT.read_text("utf-8")
        shell = ["sh"] if kill_at is None else ["bash", "--posix"]
        return subprocess.run(
            [*shell, "-s", "--", *words],
            input=script if kill_at is None else _KILLED_AT + script,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "KILL_AT": str(kill_at)},
            capture_output=True,
            text=True,
            check=False,
        )

    def do(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def reserve(self, reservation: Reservation = MINE) -> Reservation:
        return Reservation.from_json(self.do("reserve", reservation.cluster_id, reservation.to_json()))

    def put(self, text: str) -> None:
        """Write ``text`` into a file in each of the three folders."""
        for name in FOLDERS:
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / "file").write_text(text)

    def files(self) -> dict[str, str]:
        """Everything in the home but the cluster's own stamp, with its text."""
        return {
            str(path.relative_to(self.folder)): path.read_text()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.name != "cluster_id"
        }


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "ada")


def of_user(text: str = "the user's") -> dict[str, str]:
    return {f"{name}/file": text for name in sorted(FOLDERS)}


def test_one_cluster_holds_a_host_and_taking_it_again_is_success(home: Home) -> None:
    assert home.reserve() == MINE
    assert home.reserve(replace(MINE, at=2)) == MINE
    assert home.reserve(OTHERS) == MINE
    home.do("release", OTHERS.cluster_id)
    assert home.reserve(OTHERS) == MINE
    home.do("release", MINE.cluster_id)
    assert home.reserve(OTHERS) == OTHERS


def test_of_many_that_reserve_at_once_one_gets_it(home: Home) -> None:
    wanted = [replace(MINE, cluster_id=f"c-{number}") for number in range(20)]
    processes = [
        subprocess.Popen(
            ["sh", str(SCRIPT), "reserve", each.cluster_id, each.to_json()],
            env={"PATH": os.environ["PATH"], "HOME": str(home.folder)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in wanted
    ]
    holders = {Reservation.from_json(process.communicate()[0].strip()) for process in processes}
    assert len(holders) == 1
    assert holders <= set(wanted)


def test_only_the_holder_can_prepare_or_stop(home: Home) -> None:
    home.reserve(OTHERS)
    for verb in ("prepare", "stop"):
        done = home.run(verb, MINE.cluster_id)
        assert (done.returncode, done.stderr) == (3, "cluster c-1 does not hold this host\n")
    home.do("prepare", OTHERS.cluster_id)
    home.put("theirs")
    home.do("down", MINE.cluster_id)
    assert of_user("theirs").items() <= home.files().items()


def test_what_the_user_had_is_there_again_when_the_cluster_goes(home: Home) -> None:
    home.put("the user's")
    home.reserve()
    assert home.do("prepare", "c-1").split("\n")[:3] == [f"aside {name}" for name in FOLDERS]
    assert home.do("prepare", "c-1") == ""
    home.put("the cluster's")
    home.do("stop", "c-1")
    assert of_user().items() <= home.files().items()
    home.reserve()
    home.do("prepare", "c-1")
    assert of_user("the cluster's").items() <= home.files().items()
    home.do("down", "c-1")
    assert home.files() == of_user()


def test_folders_that_a_job_made_read_only_are_removed(home: Home) -> None:
    home.reserve()
    home.do("prepare", "c-1")
    locked = home.folder / "sky_workdir" / "locked"
    locked.mkdir()
    (locked / "file").touch()
    locked.chmod(0o500)
    home.do("down", "c-1")
    assert list(home.folder.iterdir()) == []


def test_a_stopped_cluster_lies_beside_others_and_is_seen(home: Home) -> None:
    home.reserve()
    home.do("prepare", "c-1")
    home.put("mine")
    home.do("stop", "c-1")
    home.reserve(OTHERS)
    home.do("prepare", "c-12")
    seen = home.do("look").splitlines()
    assert seen == [f"reservation {OTHERS.to_json()}", "prepared c-12", f"stopped {MINE.to_json()}"]
    home.do("down", "c-1")
    assert home.do("look").splitlines() == seen[:2]


@pytest.mark.needs("time")
def test_a_script_killed_at_any_of_its_commands_loses_nothing(tmp_path: Path) -> None:
    """A home goes through a cluster's life, each verb killed at its n-th command and then repeated."""
    through: set[int] = set()  # the steps that came to their end before their n-th command
    number = 0
    while len(through) < 6:
        number += 1
        _live(Home(tmp_path / str(number)), number, through)
    assert number > 40


def _live(home: Home, kill_at: int, through: set[int]) -> None:
    def twice(step: int, *words: str) -> None:
        if step not in through and home.run(*words, kill_at=kill_at).returncode != -9:
            through.add(step)
        home.do(*words)

    home.put("the user's")
    twice(1, "reserve", "c-1", MINE.to_json())
    twice(2, "prepare", "c-1")
    home.put("the cluster's")
    assert of_user("the cluster's").items() <= home.files().items()
    twice(3, "park", "c-1")
    assert of_user().items() <= home.files().items()
    twice(4, "reserve", "c-1", MINE.to_json())
    twice(5, "prepare", "c-1")
    assert of_user("the cluster's").items() <= home.files().items()
    twice(6, "clear", "c-1")
    assert home.files() == of_user()
    assert sorted(path.name for path in home.folder.iterdir()) == sorted(FOLDERS)


def test_down_ends_what_carries_the_mark_or_works_in_the_state(home: Home) -> None:
    home.reserve()
    home.do("prepare", "c-1")
    (home.folder / ".sky_agent" / "inner").mkdir()
    marks = ({"SKY_SSH_CLUSTER": "c-1"}, {}, {"SKY_SSH_CLUSTER": "c-12"})
    places = (home.folder, home.folder / ".sky_agent" / "inner", home.folder)
    mine, inside, other = (
        subprocess.Popen(["sleep", "300"], env={"PATH": os.environ["PATH"], **mark}, cwd=place)
        for mark, place in zip(marks, places, strict=True)
    )
    try:
        home.do("down", "c-1")
        assert (mine.wait(), inside.wait(), other.poll()) == (-15, -15, None)
    finally:
        for each in (mine, inside, other):
            each.kill()
            each.wait()
