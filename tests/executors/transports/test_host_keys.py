"""Pins: what a host shows is trusted by nobody's word but the user's, and kept in a file of theirs alone."""

from __future__ import annotations

import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from executors.errors import HostKeyChanged, HostUnreachable
from executors.transports import host_keys
from executors.transports.address import Address
from executors.transports.host_key import HostKey
from executors.transports.ssh_files import pins_file
from tests.executors.transports.conftest import address_of
from tests.hosts.fixtures import TakeHosts


def key(host: str, path: Path) -> HostKey:
    """A new key of ``host``."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return HostKey(host, *path.with_suffix(".pub").read_text().split()[:2])


@pytest.fixture(params=["openssh", "asyncssh"])
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With OpenSSH's programs on this machine, and without."""
    if request.param == "asyncssh":
        monkeypatch.setattr(host_keys.shutil, "which", lambda _: None)
    name: str = request.param
    return name


def test_a_scan_brings_what_the_host_shows_and_trusts_nothing(program: str, hosts: TakeHosts) -> None:
    (host,) = hosts(1)
    address = replace(address_of(host), identity_file="/nonexistent")
    found = host_keys.scan(address)
    assert f"{found.kind} {found.key}" == host.host_public_key
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", "-"],
        input=host.host_public_key,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.fingerprint == listed.stdout.split()[1]
    assert host_keys.pinned(address) == host_keys.known(address) == ()


def test_a_host_that_does_not_answer_cannot_be_scanned(program: str, hosts: TakeHosts) -> None:
    (host,) = hosts(1)
    with pytest.raises(HostUnreachable, match="cannot be reached"):
        host_keys.scan(Address(host.ip, 9))


def test_pins_are_kept_and_forgotten(program: str, tmp_path: Path) -> None:
    address = Address("10.0.0.1", 2222)
    one, other = key("[10.0.0.1]:2222", tmp_path / "one"), key("10.0.0.1", tmp_path / "other")
    host_keys.pin(one)
    host_keys.pin(one)
    host_keys.pin(other)
    assert pins_file().read_text() == f"{one.line}\n{other.line}\n"
    assert stat.S_IMODE(pins_file().stat().st_mode) == 0o600
    assert host_keys.pinned(address) == host_keys.known(address) == (one,)
    assert host_keys.forget(address)
    assert not host_keys.forget(address)
    assert pins_file().read_text() == f"{other.line}\n"


def test_another_key_takes_the_place_only_when_asked(tmp_path: Path) -> None:
    old, new = key("h", tmp_path / "old"), key("h", tmp_path / "new")
    host_keys.pin(old)
    with pytest.raises(HostKeyChanged, match="HAS CHANGED"):
        host_keys.pin(new)
    assert host_keys.pinned(Address("h")) == (old,)
    host_keys.pin(new, replace=True)
    assert host_keys.pinned(Address("h")) == (new,)


def test_pins_of_many_at_once_are_all_kept(tmp_path: Path) -> None:
    made = key("h", tmp_path / "key")
    keys = [replace(made, host=f"h{number}") for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(host_keys.pin, keys))
    assert sorted(pins_file().read_text().splitlines()) == sorted(each.line for each in keys)


def test_hashed_lines_of_the_users_own_file_are_found(program: str, tmp_path: Path, home: Path) -> None:
    (home / ".ssh").mkdir(mode=0o700)
    own = home / ".ssh" / "known_hosts"
    made = key("h", tmp_path / "key")
    own.write_text(f"{made.line}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(own)], check=True, capture_output=True)
    assert "h ssh" not in own.read_text().splitlines()[0]
    with own.open("a") as file:
        file.write("# a comment\n\nrubbish\n@revoked h ssh-ed25519 AAAA\n")
    assert host_keys.known(Address("h")) == (made,)
    assert host_keys.pinned(Address("h")) == ()


def test_the_way_is_read_from_the_address_or_the_configuration(program: str, home: Path) -> None:
    way = host_keys.route(Address("h", proxy_jump="a,me@b:33"))
    assert way == (Address("a"), Address("b", 33, "me", proxy_jump="a"), Address("h", proxy_jump="a,me@b:33"))
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh" / "config").write_text(
        "Host h\n ProxyJump j\n HostName real\n Port 7\nHost k\n HostKeyAlias same\n"
    )
    assert host_keys.route(Address("h")) == (Address("j"), Address("h"))
    assert host_keys.known_name(Address("h")) == "[real]:7"
    assert host_keys.known_name(Address("k")) == "same"
