"""A host where namespaces are not allowed: an sshd on a high port of 127.0.0.1, with a home of its own.

It is this user on this machine: the same processes, clock, disk and network for all such hosts. ``HOME`` is
what differs, and where a session starts; what takes a machine of its own is not possible.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.hosts.command import HostError, launch, run
from tests.hosts.disk import wipe
from tests.hosts.host import Host
from tests.hosts.process import Process, running

_MARK = "SKY_TEST_HOST"
_SFTP = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")
_LOGIN = """\
cd || exit
[ -n "$SSH_ORIGINAL_COMMAND" ] || exec "$SHELL" -i
exec "$SHELL" -c "$SSH_ORIGINAL_COMMAND"
"""


class Account(Host):
    """Only the user that made it logs in to it."""

    user = pwd.getpwuid(os.getuid()).pw_name
    ip = "127.0.0.1"

    @property
    def port(self) -> int:
        return int((self.folder / "port").read_text())

    @property
    def root(self) -> Path:
        return self.folder / "home"

    def home(self, user: str = "") -> Path:
        return self.root

    @property
    def on(self) -> bool:
        return self._sshd is not None

    def make(self) -> None:
        self.folder.mkdir(mode=0o700)
        self.root.mkdir()
        self._make_key()
        with socket.create_server((self.ip, 0)) as free:
            (self.folder / "port").write_text(str(free.getsockname()[1]))
        (self.folder / "login.sh").write_text(_LOGIN)
        (self.folder / "sshd_config").write_text(self._config())

    def start(self) -> None:
        if not self.on:
            argv = ("/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config"))
            sshd = launch(("sh", "-c", 'echo $$; exec "$@" >/dev/null', "sh", *argv), self.console)
            (self.folder / "sshd").write_text(str(sshd))

    def kill(self) -> None:
        while processes := self.processes():
            for process in processes:
                process.send()
            for process in processes:
                process.wait()

    def reset(self) -> None:
        self.kill()
        wipe(self.root)
        self.root.mkdir()
        self.boot()

    def remove(self) -> None:
        self.kill()
        wipe(self.folder)

    def processes(self) -> list[Process]:
        """Its sshd with all that descends from it, and everything with its mark in the environment."""
        mark = f"{_MARK}={self.folder}".encode()
        mine = {self._sshd.pid} if self._sshd else set()
        children: dict[int, list[int]] = {}
        for pid in running():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(pid)
                if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                    mine.add(pid)
        todo = list(mine)
        while todo:
            found = children.get(todo.pop(), [])
            todo += found
            mine.update(found)
        return [process for process in map(Process.of, sorted(mine)) if process is not None]

    def run(
        self, argv: Sequence[str], *, user: str = "", stdin: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        if user not in {"", self.user}:
            raise HostError(f"{self.name} has no user but {self.user}")
        return run(*argv, stdin=stdin, check=check, cwd=self.root, env=self._environment)

    @property
    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self.root), _MARK: str(self.folder)}

    def _config(self) -> str:
        server = next((path for path in _SFTP if Path(path).exists()), "internal-sftp")
        return f"""\
Port {self.port}
ListenAddress {self.ip}
HostKey {self.folder}/host_key
PidFile none
AuthorizedKeysFile {self.identity_file.with_suffix(".pub")}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
PrintLastLog no
SetEnv {" ".join(f"{name}={value}" for name, value in self._environment.items())}
ForceCommand sh {shlex.quote(str(self.folder / "login.sh"))}
Subsystem sftp {server}
MaxStartups 100:30:200
MaxSessions 100
"""

    @property
    def _sshd(self) -> Process | None:
        return Process.noted(self.folder / "sshd")
