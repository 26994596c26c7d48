"""What the script for a machine asks of docker, told by a docker that writes it down."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from executors.container import machine

_SCRIPT = Path(machine.__file__).with_name("docker.sh")
_DOCKER = """\
#!/bin/sh
case $1 in
container | image) exit 1 ;;
run) printf '%s\\n' "$@" >>"$LOG" ;;
esac
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where each word of ``docker run`` is a line."""
    docker = tmp_path / "docker"
    docker.write_text(_DOCKER)
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def test_the_users_options_are_whole_words_and_stand_before_skys_own(log: Path) -> None:
    options = ["--ipc", "private", "--label=a b", "$HOME"]
    argv = ["sh", "-c", _SCRIPT.read_text("utf-8"), "sh", "sky", "c-1", "team/tool", "true", *options]
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    words = log.read_text().splitlines()
    assert words[:7] == ["run", "--ipc", "host", *options]
    assert words[7:14] == ["--network", "host", "--detach", "--name", "sky", "--label", "sky-cluster-id=c-1"]
    assert words[-5:] == ["--entrypoint", "/bin/sh", "team/tool", "-c", "true"]
