from __future__ import annotations

import pytest
from click.testing import CliRunner

from sky.cli.main import COMMANDS, cli
from tests.golden.golden import check


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = [command, "--help"] if command else ["--help"]
    done = CliRunner().invoke(cli, words, prog_name="sky")
    assert done.exit_code == 0
    assert max(map(len, done.output.splitlines())) <= 80
    check(f"help-{command or 'sky'}.txt", done.output)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_by_example(command: str) -> None:
    output = CliRunner().invoke(cli, [command, "--help"], prog_name="sky").output
    assert "Examples:" in output or command == "completion"
    assert f"sky {command}" in output.partition("Usage:")[2].partition("\n")[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    done = CliRunner().invoke(cli, ["completion", shell], prog_name="sky")
    assert done.exit_code == 0
    assert "_SKY_COMPLETE" in done.output
