"""What a host is to those who log in: a machine of its own, that shows nothing of the one below."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hosts.fixtures import TakeMachines

pytestmark = pytest.mark.needs("time")


def test_every_host_is_another_machine(machines: TakeMachines) -> None:
    one, two = machines(2)
    who = "hostname; readlink /proc/self/ns/pid /proc/self/ns/net; cat /proc/sys/kernel/random/boot_id"
    first, second = one.ssh(who).stdout.split(), two.ssh(who).stdout.split()
    assert (first[0], second[0]) == (one.name, two.name)
    assert set(first) & set(second) == set()
    assert {one.ip, two.ip} == {
        one.ssh("hostname -I").stdout.split()[0],
        two.ssh("hostname -I").stdout.split()[0],
    }
    assert one.ssh(f"exec 3<>/dev/tcp/{two.name}/22; head -c 3 <&3").stdout == "SSH"


@pytest.mark.needs("sudo")
def test_dev_can_become_root_and_guest_cannot(machines: TakeMachines) -> None:
    (host,) = machines(1)
    assert host.ssh("id -un; sudo -n id -un").stdout.split() == ["dev", "root"]
    guest = host.ssh("id -un; sudo -n id -un", user="guest")
    assert (guest.stdout.split(), guest.returncode) == (["guest"], 1)
    assert host.ssh("id -un", user="root").stdout == "root\n"


def test_nothing_of_the_machine_below_is_seen(machines: TakeMachines, tmp_path: Path) -> None:
    (host,) = machines(1)
    (tmp_path / "secret").write_text("")
    folders = "~ /home /tmp /var/tmp /opt /srv /mnt /media /etc/ssh"
    seen = host.ssh(f"find {folders} -xdev -type f", user="root").stdout.split()
    expected = {f"/home/{user}/.ssh/authorized_keys" for user in ("dev", "guest")}
    expected |= {"/" + "root/.ssh/authorized_keys", "/etc/ssh/sshd_config"}
    expected |= {f"/etc/ssh/ssh_host_ed25519_key{suffix}" for suffix in ("", ".pub")}
    assert set(seen) == expected
    assert host.ssh(f"ls {tmp_path} {os.environ['HOME']}", user="root").stdout == ""
    assert host.ssh("grep -c '[$]' /etc/shadow", user="root").stdout == "0\n"


def test_orphans_are_taken_in(machines: TakeMachines) -> None:
    (host,) = machines(1)
    host.ssh("for _ in 1 2 3; do (setsid sh -c 'exit 3' &) ; done")
    host.ssh("true")
    assert host.ssh("ps -A -o stat= | grep -c ^Z").stdout == "0\n"
