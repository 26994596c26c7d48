"""cloud-init itself, from its Debian packages, run at the boot of a test host; this machine is not changed.

The packages are unpacked into a folder of this user's once, and laid over a host's disk.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import yaml

from tests.hosts.command import HostError, run
from tests.hosts.machine import Machine
from tests.hosts.record import locked, place

_CONFIG = {
    "datasource_list": ["NoCloud"],
    "network": {"config": "disabled"},
    "disable_root": True,
    "preserve_hostname": True,
    "cloud_init_modules": ["write-files", "users-groups", "ssh"],
    "cloud_config_modules": [],
    "cloud_final_modules": [],
    "system_info": {"distro": "debian", "paths": {"cloud_dir": "/var/lib/cloud/"}, "ssh_svcname": "ssh"},
}
_AT_BOOT = """#!/bin/sh
exec >/var/log/cloud-init-output.log 2>&1
[ ! -e /var/lib/cloud/instance ] || /usr/bin/cloud-init init --local
exec /usr/bin/cloud-init init
"""
"""As on a real machine, the first run finds out whether the disk is another instance's; a new one is not."""
_SEED = "var/lib/cloud/seed/nocloud"


@cache
def why_not() -> str:
    """Return why hosts here cannot run cloud-init; empty when they can. Fetches it where needed."""
    if shutil.which("apt-get") is None:
        return "no apt-get to fetch cloud-init with"
    try:
        _packages()
    except HostError as error:
        return str(error)
    return ""


def seed(machine: Machine, instance_id: str, user_data: str) -> None:
    """Let ``machine``, which is off, find this at its boots: cloud-init, and a seed of the kind NoCloud."""
    folder = machine.root / _SEED
    if not folder.exists():  # a disk that was copied has it all
        run("cp", "--archive", f"{_packages()}/etc", f"{_packages()}/usr", str(machine.root))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta-data").write_text(yaml.safe_dump({"instance-id": instance_id}))
    (folder / "user-data").touch(mode=0o600)
    (folder / "user-data").write_text(user_data)
    (machine.root / "etc/cloud/cloud.cfg").write_text(yaml.safe_dump(_CONFIG))
    let_users_without_password_in(machine.root / "etc/ssh/sshd_config")
    boot = machine.root / "etc/rc.boot"
    boot.write_text(_AT_BOOT)
    boot.chmod(0o755)


def let_users_without_password_in(config: Path) -> None:
    """Have sshd ask PAM, as cloud images do: by itself it takes a locked password for a locked account."""
    config.write_text(config.read_text().replace("UsePAM no", "UsePAM yes"))


@cache
def _packages() -> Path:
    """Return the folder of unpacked packages: cloud-init, and what of its needs this machine lacks."""
    folder = place() / "cloud-init"
    with locked(place() / "cloud-init.lock"):
        if not (folder / "complete").exists():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    plan = run("apt-get", "install", "--simulate", "--no-install-recommends", "cloud-init").stdout
    names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    if names:
        run("apt-get", "download", "-qq", *names, cwd=folder)
    for package in folder.glob("*.deb"):
        run("dpkg-deb", "--extract", str(package), str(folder))
        package.unlink()
    for part in ("etc", "usr"):
        (folder / part).mkdir(exist_ok=True)
    run("/usr/bin/python3", "-m", "compileall", "-q", str(folder / "usr"), check=False)
    (folder / "complete").touch()
