"""A script that a test host runs as root at each boot, as Google's guest agent runs ``startup-script``."""

from __future__ import annotations

from tests.clouds.cloud_init import let_users_without_password_in
from tests.hosts.machine import Machine


def install(machine: Machine, script: str) -> None:
    """Let ``machine``, which is off, run ``script`` before anybody can log in."""
    let_users_without_password_in(machine.root / "etc/ssh/sshd_config")
    boot = machine.root / "etc/rc.boot"
    boot.touch(mode=0o700)
    boot.write_text(script)
