"""Where sockets and settings of connections lie: private, and no longer than a socket's path may be."""

from __future__ import annotations

import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from executors.errors import Unsupported
from executors.transports import ssh_files
from executors.transports.address import Address
from executors.transports.ssh_files import client_config, control_path


def test_each_connection_has_a_socket_of_its_own(home: Path) -> None:
    paths = {
        control_path(address, lane)
        for address in (Address("h"), Address("h", 2222), Address("h", user="me"), Address("g"))
        for lane in (0, 1)
    }
    assert len(paths) == 8
    assert {path.parent for path in paths} == {home / ".sky" / "ssh" / "s"}
    assert stat.S_IMODE((home / ".sky" / "ssh" / "s").stat().st_mode) == 0o700


def test_a_long_home_has_its_sockets_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = Path("/tmp")
    monkeypatch.setenv("SKY_HOME", str(tmp_path / ("x" * 100)))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(ssh_files.tempfile, "gettempdir", lambda: str(tmp_path / ("y" * 100)))
    path = control_path(Address("h"), 0)
    assert path.parent.parent == short
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKY_HOME", str(tmp_path / ("x" * 100)))
    with TemporaryDirectory(dir="/tmp") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        folder = Path(runtime, "sky")
        folder.mkdir()
        folder.chmod(0o777)
        with pytest.raises(Unsupported, match="not a folder of this user alone"):
            control_path(Address("h"), 0)
        folder.rmdir()
        folder.symlink_to(tmp_path)
        with pytest.raises(Unsupported):
            control_path(Address("h"), 0)


def test_the_settings_are_private_and_follow_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = client_config()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f'Include "{home}/.ssh/config"' in path.read_text()
    monkeypatch.setenv("HOME", "/else where/100%")
    assert client_config() == path
    assert '"/else where/100%%/.ssh/known_hosts"' in path.read_text()
