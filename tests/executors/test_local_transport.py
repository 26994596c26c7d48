"""Commands on this machine: exact codes, both pipes, the cluster's home and nothing of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from executors.errors import SyncFailed, Transient, Unsupported
from executors.transports.local import LocalTransport


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def transport(home: Path, monkeypatch: pytest.MonkeyPatch) -> LocalTransport:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the user")
    return LocalTransport(home, "SKY_LOCAL_CLUSTER=c-1")


def test_run_returns_output_and_code_and_passes_input(transport: LocalTransport, home: Path) -> None:
    done = transport.run(["sh", "-c", "cat; echo err >&2; pwd; exit 9"], stdin="tëxt\n".encode())
    assert (done.returncode, done.stdout, done.stderr) == (9, f"tëxt\n{home}\n", "err\n")
    assert transport.run(["sh", "-c", "kill -9 $$"]).returncode == 137


def test_the_environment_is_small_and_marked(transport: LocalTransport, home: Path) -> None:
    env = dict(line.split("=", 1) for line in transport.run(["env"]).stdout.splitlines())
    assert (env["HOME"], env["SKY_LOCAL_CLUSTER"]) == (str(home), "c-1")
    assert "AWS_SECRET_ACCESS_KEY" not in env


def test_stream_takes_more_input_and_output_than_pipes_hold(transport: LocalTransport) -> None:
    seen = bytearray()
    data = b"0123456789" * 100_000
    assert transport.stream(["cat"], seen.extend, stdin=data) == 0
    assert seen == data
    assert transport.stream(["true"], seen.extend, stdin=data) == 0
    assert transport.stream(["sh", "-c", 'echo "$X"; exit 3'], seen.extend, env={"X": "set"}) == 3
    assert seen.endswith(b"set\n")


def test_a_raising_reader_and_a_closed_follower_end_the_command(
    transport: LocalTransport, home: Path
) -> None:
    def refuse(_: bytes) -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        transport.stream(["sh", "-c", "echo $$ > ~/one; echo x; exec sleep 300"], refuse)
    follower = transport.follow(["sh", "-c", "echo $$ > ~/two; echo x; exec sleep 300"])
    assert next(follower) == b"x\n"
    follower.close()
    for name in ("one", "two"):
        assert not Path(f"/proc/{(home / name).read_text().strip()}").exists()


def test_a_command_that_takes_too_long_is_ended(transport: LocalTransport) -> None:
    with pytest.raises(Transient, match="did not end within"):
        transport.run(["sleep", "300"], timeout_s=0.05)


@pytest.mark.parametrize("target", ["/etc/x", "../x", "~/../x", "~/a/../../x"])
def test_paths_outside_the_home_are_refused(transport: LocalTransport, tmp_path: Path, target: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unsupported, match="keeps to its own home"):
        transport.put(tmp_path / "file", target)


def test_get_brings_files_and_folders_back(transport: LocalTransport, home: Path, tmp_path: Path) -> None:
    (home / "logs").mkdir()
    (home / "logs" / "run.log").write_text("out")
    transport.get("~/logs", tmp_path / "all")
    transport.get("logs/run.log", tmp_path / "one" / "run.log")
    assert (tmp_path / "all" / "run.log").read_text() == (tmp_path / "one" / "run.log").read_text() == "out"
    with pytest.raises(SyncFailed, match="nothing"):
        transport.get("~/nothing", tmp_path / "x")
