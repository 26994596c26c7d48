"""What hosts on this machine can do, and why not where they cannot."""

from __future__ import annotations

import os
import pwd
import tempfile
from functools import cache
from pathlib import Path

from tests.hosts import control_groups, kernel, packages
from tests.hosts.command import HostError, run

# Ability -> the programs that it takes.
_PROGRAMS = {
    "ssh": ("ssh", "sshd"),
    "namespaces": ("ssh", "sshd", "ip", "tc", "nft"),
    "rsync": ("rsync",),
    "sudo": ("sudo",),
    "clock": ("cc",),
    "slurm": ("slurmctld", "munged"),
    "docker": ("dockerd", "docker"),
}
# Abilities that only hosts of namespaces have.
_OF_MACHINES = ("namespaces", "sudo", "clock", "slurm", "docker")
KUBERNETES = "kubernetes"
"""The ability to run a Kubernetes: built and run for who asks for it alone (tests/k8s)."""
GROUPS, HOST_GROUPS = "cgroups", "host-cgroups"
"""The abilities to confine processes: of this one's children by control groups, of a host's."""
KERNEL = "kernel"
"""The ability to run a command under another kernel."""
TIME, SLOW = "time", "SKY_TEST_SLOW"
"""The ability to wait: tests that take long are run where the environment says ``SKY_TEST_SLOW=1``."""
_PROBE = """
mount -t tmpfs probe . && cd "$PWD" && mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work probe root
ip link add probe0 type veth peer name probe1 && ip link add probe type bridge
"""


@cache
def why_not(ability: str) -> str:
    """Return why hosts here lack ``ability``; empty when they have it. Installs programs where it may."""
    if ability == TIME:
        return "" if os.environ.get(SLOW) else f"set {SLOW}=1"
    if ability == KUBERNETES:
        from tests.k8s import programs

        return programs.why_not() or why_not("namespaces")
    if ability == KERNEL:
        return kernel.why_not()
    if ability == GROUPS:
        return control_groups.why_none_here()
    if ability == HOST_GROUPS:
        return control_groups.why_none() or why_not("namespaces")
    if ability not in _PROGRAMS:
        known = (*_PROGRAMS, KUBERNETES, GROUPS, HOST_GROUPS, KERNEL, TIME)
        raise ValueError(f"no such ability: {ability}; there are {', '.join(known)}")
    reason = packages.install()
    lacking = sorted(set(_PROGRAMS[ability]) & set(packages.missing()))
    if lacking:
        return f"{', '.join(lacking)} not installed ({reason})"
    if ability in _OF_MACHINES:
        return _why_no_machines()
    return _why_no_accounts() if ability == "ssh" and _why_no_machines() else ""


@cache
def _why_no_machines() -> str:
    """Why no host can have namespaces, an overlay and a network of its own."""
    if os.environ.get("SKY_TEST_HOSTS") == "accounts":
        return "SKY_TEST_HOSTS=accounts"
    if os.getuid():
        return "not root"
    with tempfile.TemporaryDirectory() as folder:
        argv = ("unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "sh", "-ec", _PROBE)
        try:
            run(*argv, cwd=Path(folder))
        except HostError as error:
            return str(error).rpartition(": ")[2]
    return ""


def _why_no_accounts() -> str:
    shell = pwd.getpwuid(os.getuid()).pw_shell
    return f"the user's login shell is {shell}" if Path(shell).name in {"nologin", "false"} else ""
