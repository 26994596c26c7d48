from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from sky import core
from sky.cli.main import cli
from tests.sky.control.fake_infra import FakeCloud


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def launch(*words: str, answer: str = "") -> Result:
    return CliRunner().invoke(
        cli, ["launch", "-c", "dev", "--gpus", "A100:8", *words, "--", "true"], input=answer
    )


def test_what_costs_money_is_shown_and_asked_for(aws: FakeCloud) -> None:
    declined = launch(answer="n\n")
    assert declined.exit_code != 0
    assert "p4d.24xlarge" in declined.output
    assert "Launch cluster dev?" in declined.output
    assert aws.requests == []
    assert core.status() == []


def test_yes_does_not_ask(aws: FakeCloud) -> None:
    done = launch("-y")
    assert done.exit_code == 0
    assert "?" not in done.output
    assert len(aws.requests) == 1


def test_an_existing_cluster_is_not_asked_for_again(aws: FakeCloud) -> None:
    launch("-y")
    assert "Launch cluster" not in launch().output


def test_dryrun_shows_the_plan_and_asks_nothing(aws: FakeCloud) -> None:
    done = launch("--dryrun")
    assert done.exit_code == 0
    assert "p4d.24xlarge" in done.output
    assert done.output.endswith("Dryrun finished.\n")
    assert aws.requests == []
