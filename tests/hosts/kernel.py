"""Another kernel for one command: User-Mode Linux, a kernel that is a program, over this machine's files.

It has control groups of version 2 with all controllers, which a machine that mounts version 1 does not.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.hosts.command import environment, run

_PROGRAM, _PACKAGE = "linux.uml", "user-mode-linux"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sky-tests" / _PACKAGE
_LONGEST_S = 600
_INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tmpfs -o mode=1777 tmp /dev/shm
ip link set lo up
cd {folder}
{command} >output 2>&1
echo $? >code
echo o >/proc/sysrq-trigger
sleep 60
"""


@cache
def why_not() -> str:
    """Return why no other kernel can be run here; empty when one can. Fetches it, but installs nothing."""
    if os.getuid():
        return "not root"
    if _program() is None and os.environ.get("SKY_TEST_APT") != "0" and shutil.which("apt-get"):
        with tempfile.TemporaryDirectory() as folder:
            run("apt-get", "download", "-qq", _PACKAGE, cwd=Path(folder), check=False)
            for package in Path(folder).glob("*.deb"):
                _CACHE.mkdir(parents=True, exist_ok=True)
                run("dpkg", "-x", str(package), str(_CACHE))
    return "" if _program() else f"no {_PROGRAM}; run: apt-get install {_PACKAGE}"


def in_another(argv: Sequence[str], folder: Path, env: Sequence[str]) -> tuple[int, str]:
    """Run ``argv`` as root under another kernel, on one CPU with a gigabyte; return its exit code and output.

    It sees and changes this machine's files. ``folder`` takes what passes between the two.
    """
    command = shlex.join(["env", "-i", *env, *argv])
    init = folder / "init.sh"
    init.write_text(_INIT.format(folder=shlex.quote(str(folder)), command=command))
    init.chmod(0o755)
    program = _program()
    assert program is not None
    options = ("mem=1G", "rootfstype=hostfs", "hostfs=/", "rw", f"init={init}", "con=null", "con0=null,fd:1")
    with (folder / "console").open("wb") as console:
        subprocess.run(
            [program, *options],
            env={**environment(), "TMPDIR": "/dev/shm"},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            timeout=_LONGEST_S,
            check=False,
        )
    code = folder / "code"
    output = folder / "output" if code.exists() else folder / "console"
    return int(code.read_text()) if code.exists() else -1, output.read_text(errors="replace")


def _program() -> str | None:
    return shutil.which(_PROGRAM, path=f"{environment()['PATH']}:{_CACHE / 'usr/bin'}")
