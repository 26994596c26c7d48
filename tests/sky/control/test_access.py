from __future__ import annotations

import json
import logging
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import sky
from catalog.errors import UserError
from catalog.scope import Scope
from executors.api import Access
from executors.errors import AuthError, Transient
from executors.fake import Script
from sky import core
from sky.cli.main import cli
from sky.control import access, placement
from sky.control.infra_check import checked
from sky.exceptions import ResourcesUnavailableError
from tests.sky.control.fake_cloud import ADA, cloud

ANYWHERE = sky.Task(run="true").set_resources(sky.Resources(cpus="2+"))
REFUSED = Access(enabled=False, detail="the token has expired", fix="aws sso login")


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Script]:
    with cloud("aws", tmp_path, Script(access=ADA)) as script:
        yield script


@pytest.fixture
def gcp(tmp_path: Path) -> Iterator[Script]:
    with cloud("gcp", tmp_path, Script(access=Access(enabled=True, identity="eve@project"))) as script:
        yield script


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What ``time.time`` says, to be moved by a test."""
    now = [1_790_000_000.0]
    monkeypatch.setattr("sky.control.access.time.time", lambda: now[0])
    return now


def asked(script: Script) -> int:
    return sum(call.method == "check" for call in script.calls)


def use() -> tuple[str, ...]:
    return placement.clouds_for(ANYWHERE)


def test_a_cloud_is_asked_once_a_day(aws: Script, clock: list[float]) -> None:
    assert [use(), use()] == [("aws",), ("aws",)]
    assert asked(aws) == 1
    clock[0] += access.GRANTED_FOR_S - 1
    assert use() == ("aws",)
    assert asked(aws) == 1
    clock[0] += 1
    assert use() == ("aws",)
    assert asked(aws) == 2


def test_a_refusal_is_believed_for_minutes_only(aws: Script, clock: list[float]) -> None:
    aws.access = REFUSED
    assert [use(), use()] == [(), ()]
    assert asked(aws) == 1
    clock[0] += access.REFUSED_FOR_S
    aws.access = ADA
    assert use() == ("aws",)


def test_a_clock_that_was_set_back_makes_no_answer_eternal(aws: Script, clock: list[float]) -> None:
    use()
    clock[0] -= 10_000
    use()
    assert asked(aws) == 2


def test_other_credentials_are_asked_about(aws: Script) -> None:
    use()
    aws.fingerprint, aws.access = "profile=other", REFUSED
    assert placement.is_enabled("aws"), "nobody has asked about these yet"
    assert use() == ()
    assert not placement.is_enabled("aws")
    assert asked(aws) == 2


def test_without_credentials_nobody_is_asked(aws: Script) -> None:
    use()
    aws.configured = False
    assert use() == ()
    assert not placement.is_enabled("aws")
    assert asked(aws) == 1


def test_plans_ask_nobody(aws: Script) -> None:
    plan = sky.optimize(sky.Task(run="true").set_resources(sky.Resources(cpus="2+")), quiet=True)
    assert plan.tasks
    assert core.status() == []
    assert asked(aws) == 0


def test_a_sky_check_asks_always(aws: Script) -> None:
    use()
    checked(["aws"])
    assert asked(aws) == 2


def test_an_infra_without_credentials_is_enabled_as_ever(tmp_path: Path) -> None:
    with cloud("aws", tmp_path, Script()):
        assert use() == ("aws",)
        assert placement.is_enabled("aws")
        (row,) = checked(["aws"], ["aws"])
        assert (row.runs, row.identity) == (True, "")
    assert not access.path().exists()


def test_all_are_asked_at_once_and_who_is_silent_stops_nobody(aws: Script, gcp: Script) -> None:
    release = aws.hold("check")
    try:
        found = {row.infra: row for row in checked(["aws"], ["aws", "gcp"], limit_s=0.2)}
    finally:
        release.set()
    assert found["gcp"].runs
    assert found["gcp"].identity == "eve@project"
    assert not found["aws"].runs
    assert found["aws"].detail == "no answer within 0.2 s"
    assert set(access.remembered()) == {"gcp"}, "silence is not an answer"


def test_a_failure_is_not_remembered_as_a_refusal(aws: Script) -> None:
    use()
    aws.fail("check", Transient("the network is down"), RuntimeError("a bug"))
    for reason in ("the network is down", "RuntimeError: a bug"):
        (row,) = checked(["aws"], ["aws"])
        assert (row.runs, row.detail) == (False, reason)
    assert use() == ("aws",), "the last answer still holds"


def test_who_does_not_answer_is_left_in_peace_for_a_while(aws: Script, clock: list[float]) -> None:
    aws.fail("check", Transient("the network is down"))
    assert [use(), use()] == [(), ()]
    assert asked(aws) == 1
    clock[0] += access.SILENT_FOR_S
    assert use() == ("aws",)


def test_who_is_slow_is_named(
    aws: Script, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sky.control.polls._QUIET_S", 0.05)
    release = aws.hold("check")

    class Opener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert record.getMessage() == "Waiting for an answer from aws"
            release.set()

    log = logging.getLogger("sky.control.polls")
    handler = Opener()
    log.addHandler(handler)
    try:
        with caplog.at_level(logging.INFO, "sky"):
            assert access.ask(["aws"]) == {"aws": ADA}
    finally:
        log.removeHandler(handler)


def test_the_answers_are_the_users_alone(aws: Script) -> None:
    use()
    assert stat.S_IMODE(access.path().stat().st_mode) == 0o600
    assert [path.name for path in access.path().parent.glob(".access*")] == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema_version": 9}', '{"schema_version": 1, "infra": {"aws": 1}}']
)
def test_a_damaged_file_is_written_anew(aws: Script, text: str) -> None:
    use()
    access.path().write_text(text)
    assert use() == ("aws",)
    assert asked(aws) == 2
    assert access.remembered()["aws"].access == ADA


def test_a_launch_that_is_refused_voids_the_answer(aws: Script) -> None:
    use()
    task = sky.Task(run="true").set_resources(sky.Resources(cloud="aws", cpus="2+"))
    aws.fail("create", AuthError("aws refuses the credentials", Scope(cloud="aws"), ttl_s=600))
    with pytest.raises(ResourcesUnavailableError, match="refuses the credentials"):
        core.launch(task, "dev")
    assert access.remembered() == {}


def test_a_start_that_is_refused_voids_the_answer(aws: Script) -> None:
    core.launch(sky.Task().set_resources(sky.Resources(cloud="aws", cpus="2+")), "dev")
    core.stop("dev")
    aws.fail("start", AuthError("aws refuses the credentials", Scope(cloud="aws"), ttl_s=600))
    with pytest.raises(ResourcesUnavailableError):
        core.start("dev")
    assert access.remembered() == {}
    core.down("dev")


def test_a_launch_says_why_a_cloud_is_left_out(aws: Script, caplog: pytest.LogCaptureFixture) -> None:
    aws.access = REFUSED
    with pytest.raises(ResourcesUnavailableError):
        core.launch(sky.Task(run="true").set_resources(sky.Resources(cloud="aws")), "dev")
    assert "aws is not used: the token has expired; run: aws sso login" in caplog.text


def test_check_tells_whom_and_what_to_do(aws: Script, gcp: Script) -> None:
    gcp.access = REFUSED
    done = CliRunner().invoke(cli, ["check"])
    assert done.exit_code == 0
    assert "as acct-1/ada" in done.stdout
    assert "the token has expired; run: aws sso login" in done.stdout
    assert "autodown" in CliRunner().invoke(cli, ["check", "-v", "aws"]).stdout


def test_check_of_named_infra_has_an_exit_code(aws: Script, gcp: Script) -> None:
    gcp.access = REFUSED
    run = CliRunner().invoke
    assert run(cli, ["check", "aws"], standalone_mode=False).return_value == 0
    done = run(cli, ["check", "aws", "gcp", "--json"], standalone_mode=False)
    assert done.return_value == 1
    assert [(row["infra"], row["runs"], row["fix"]) for row in json.loads(done.stdout)] == [
        ("aws", True, ""),
        ("gcp", False, "aws sso login"),
    ]


def test_an_unknown_infra_is_a_mistake(aws: Script) -> None:
    with pytest.raises(UserError, match=r"no infra 'gpc'\. Did you mean 'gcp'"):
        checked(["aws", "gcp"], ["gpc"])


def test_a_launch_asks_only_whom_it_may_use(aws: Script, gcp: Script) -> None:
    task = sky.Task(run="true").set_resources(sky.Resources(cloud="gcp", cpus="2+"))
    assert placement.clouds_for(task) == ("gcp",)
    here = sky.Task(run="true").set_resources(sky.Resources(cloud="local"))
    assert placement.clouds_for(here) == ()
    assert (asked(aws), asked(gcp)) == (0, 1)


def test_plans_know_who_let_us_in_and_load_nobody(home: Path) -> None:
    code = (
        "import sys\nfrom sky.control.placement import a_cloud_is_enabled\nprint(a_cloud_is_enabled())\n"
        "heavy = ('peewee', 'sqlite3', 'asyncio', 'executors.aws.bundle', 'executors.gcp', 'executors.ssh')\n"
        "assert not set(heavy) & set(sys.modules), sorted(sys.modules)\n"
    )

    def says() -> str:
        return subprocess.run(
            [sys.executable, "-c", code], cwd=Path.cwd(), capture_output=True, text=True, check=True
        ).stdout

    assert says() == "False\n"
    answer = access.Answer(ADA, 0, "configured")
    access._write({"gcp": answer})
    assert says() == "True\n"
    access._write({"gcp": replace(answer, access=REFUSED)})
    assert says() == "False\n"
