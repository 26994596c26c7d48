"""``ssh CLUSTER``: what is written, and that nothing of the user's is touched."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.offer import Market, Offer, OfferKey
from executors.container.machine import Container
from sky.control import ssh_config
from sky.control.records import ClusterRecord

NODES = [
    {
        "host": "10.0.0.5",
        "port": 2222,
        "user": "ada",
        "identity_file": "/keys/my key",
        "internal_ip": "10.1.0.5",
    },
    {"host": "10.0.0.6", "proxy_jump": "gate"},
]


def record(nodes: object = NODES) -> ClusterRecord:
    offer = Offer(OfferKey("ssh", "lab", "", "2cpu-4gb", "", 0, Market.OWNED), 2_000, 4_096, 0, "x86_64", 0)
    return ClusterRecord("dev", "dev-1", "ssh", offer, handle={"nodes": json.dumps(nodes)})


def user_file(home: Path) -> Path:
    (home / ".ssh").mkdir(exist_ok=True)
    return home / ".ssh" / "config"


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no OpenSSH client here")
def test_ssh_reads_every_node_under_its_alias(home: Path) -> None:
    ssh_config.add(record())
    read = {}
    for alias in ("dev", "dev-worker1"):
        argv = ["ssh", "-F", str(user_file(home)), "-G", alias]
        lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
        read[alias] = dict(line.split(" ", 1) for line in reversed(lines) if " " in line)
    head, worker = read.values()
    assert (head["hostname"], head["port"], head["user"]) == ("10.0.0.5", "2222", "ada")
    assert head["identityfile"] == "/keys/my key"
    assert head["stricthostkeychecking"] in {"true", "yes"}
    assert str(home / ".sky" / "ssh" / "known_hosts") in head["userknownhostsfile"]
    assert (worker["hostname"], worker["proxyjump"]) == ("10.0.0.6", "gate")


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no OpenSSH client here")
def test_ssh_enters_the_containers_of_a_cluster_by_aliases_of_their_own(home: Path) -> None:
    made = record()
    container = Container("team/tool", "sudo -n docker", "/usr/bin/python3")
    ssh_config.add(replace(made, handle={**(made.handle or {}), **container.write()}))
    for alias, entered in (("dev", False), ("dev-worker1", False), ("dev-worker1-container", True)):
        argv = ["ssh", "-F", str(user_file(home)), "-G", alias]
        lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
        assert ("requesttty true" in lines) is entered
        assert (f"remotecommand {container.shell}" in lines) is entered
    assert "hostname 10.0.0.6" in lines


@pytest.mark.parametrize("content", [b"Host a\n  User b", b"\xff\xfe not text\r\n", b""])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_users_file_keeps_every_byte_and_its_mode(home: Path, content: bytes, mode: int) -> None:
    place = user_file(home)
    place.write_bytes(content)
    place.chmod(mode)
    ssh_config.add(record())
    line = f"Include {home}/.sky/generated/ssh/*\n".encode()
    assert place.read_bytes() == line + content
    assert place.stat().st_mode & 0o777 == mode
    ssh_config.add(record())
    assert place.read_bytes() == line + content
    ssh_config.remove("dev")
    ssh_config.remove("dev")
    assert list((home / ".sky" / "generated" / "ssh").iterdir()) == []
    assert place.read_bytes() == line + content


def test_an_include_that_is_there_in_other_words_is_enough(home: Path) -> None:
    user_file(home).write_text('Host a\nINCLUDE = "~/.sky/generated/ssh/*"\n')
    ssh_config.add(record())
    assert user_file(home).read_text().count("generated/ssh") == 1


def test_a_file_that_is_a_link_or_read_only_is_left_alone_and_the_line_is_told(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    real = home / "dotfiles"
    real.write_text("Host a\n")
    user_file(home).symlink_to(real)
    ssh_config.add(record())
    assert user_file(home).is_symlink()
    assert real.read_text() == "Host a\n"
    assert f"Include {home}/.sky/generated/ssh/*" in caplog.text
    user_file(home).unlink()
    user_file(home).write_text("Host b\n")
    user_file(home).chmod(0o400)
    ssh_config.add(record())
    assert user_file(home).read_text() == "Host b\n"
    assert "it is read-only" in caplog.text


def test_a_cluster_that_is_not_reached_by_ssh_gets_no_entry(home: Path) -> None:
    ssh_config.add(replace(record(), handle={"folder": "x"}))
    ssh_config.add(replace(record(), handle=None))
    assert not (home / ".ssh").exists()
    assert not (home / ".sky" / "generated").exists()
