"""The programs that hosts and their tests need, installed with apt where this process may."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.hosts.command import environment, run
from tests.hosts.record import locked, place

# Program -> the Debian packages that it comes from.
PACKAGES = {
    "ssh": "openssh-client",
    "sshd": "openssh-server",
    "rsync": "rsync",
    "ip": "iproute2",
    "tc": "iproute2",
    "nft": "nftables",
    "sudo": "sudo",
    "cc": "gcc libc6-dev",
    "slurmctld": "slurm-wlm",
    "docker": "docker.io",
    "dockerd": "docker.io",
    "munged": "munge",
}
_POLICY = Path("/usr/sbin/policy-rc.d")
_APT = ("apt-get", "-o", "DPkg::Lock::Timeout=600")


def missing() -> list[str]:
    """Programs of ``PACKAGES`` that this machine does not have."""
    path = environment()["PATH"]
    return [program for program in PACKAGES if shutil.which(program, path=path) is None]


@cache
def install() -> str:
    """Install what is missing, once and all at once; returns why something still is (empty: nothing is).

    All at once and before any host is up: a host's disk lies over this machine's root, which must not change
    under it. ``SKY_TEST_APT=0`` keeps this machine as it is.
    """
    if not missing():
        return ""
    if os.getuid():
        return "not root, cannot install it"
    if os.environ.get("SKY_TEST_APT") == "0" or shutil.which("apt-get") is None:
        return "apt-get is not to be used" if shutil.which("apt-get") else "no apt-get to install it"
    with locked(place() / "apt.lock"), _no_daemons():
        lacking = {package for program in missing() for package in PACKAGES[program].split()}
        return _apt_install(sorted(lacking)) if lacking else ""


def _apt_install(packages: list[str]) -> str:
    """Install them together, or else one by one; returns what apt said of the last that failed."""
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    install = (*_APT, "install", "-y", "-qq", "--no-install-recommends")
    if run(*install, *packages, env=env, check=False).returncode:
        run(*_APT, "update", "-qq", env=env, check=False)
        each = [run(*install, package, env=env, check=False) for package in packages]
        return next((done.stderr.strip() for done in reversed(each) if done.returncode), "")
    return ""


@contextlib.contextmanager
def _no_daemons() -> Iterator[None]:
    """Keep packages from starting their daemons on this machine."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
