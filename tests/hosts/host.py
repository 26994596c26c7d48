"""A host: something with an sshd, a disk and processes of its own, that can come to harm."""

from __future__ import annotations

import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from tests.hosts.command import HostError, environment, run
from tests.hosts.process import Process

_READY_S = 20.0


class Host(ABC):
    """One host. What it is stands in ``folder``, so that another process can open it too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.user}@{self.ip}:{self.port}>"

    @property
    @abstractmethod
    def ip(self) -> str:
        """Its address, the same for life."""

    @property
    def port(self) -> int:
        """The port of its sshd."""
        return 22

    @property
    @abstractmethod
    def user(self) -> str:
        """The user that one logs in as by default."""

    @property
    @abstractmethod
    def root(self) -> Path:
        """Where this machine finds the host's files, whether it runs or not."""

    @abstractmethod
    def home(self, user: str = "") -> Path:
        """Where this machine finds the home of ``user`` (default: the login user)."""

    @property
    @abstractmethod
    def on(self) -> bool:
        """Whether it runs, be it frozen or cut off."""

    @abstractmethod
    def make(self) -> None:
        """Give it a folder, a host key and an empty disk; it is off."""

    @abstractmethod
    def start(self) -> None:
        """Switch it on, without waiting for its sshd."""

    @abstractmethod
    def kill(self) -> None:
        """End all its processes at once; what asks for a connection is refused."""

    @abstractmethod
    def reset(self) -> None:
        """Bring it back as it was made: running, reachable, its disk empty; the same address and host key."""

    @abstractmethod
    def remove(self) -> None:
        """Take it away with all that belongs to it."""

    @abstractmethod
    def processes(self) -> list[Process]:
        """Everything that runs on it."""

    @abstractmethod
    def run(
        self, argv: Sequence[str], *, user: str = "", stdin: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run ``argv`` on it without ssh, to look at it or to change it; as root where it has one."""

    def boot(self) -> None:
        """Switch it on, with the disk, the address and the host key that it had, and wait for its sshd."""
        self.start()
        self.wait_ready()

    @property
    def identity_file(self) -> Path:
        """The private key that every user of the host is reached with."""
        return self.folder.parent / "identity"

    @property
    def known_hosts(self) -> Path:
        """The host keys of the whole run, as ssh reads them."""
        return self.folder.parent / "known_hosts"

    @property
    def console(self) -> Path:
        """What it said while it started."""
        return self.folder / "console.log"

    @property
    def host_public_key(self) -> str:
        """The host's public key, ``ssh-ed25519 AAAA...``."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    def ssh_argv(self, *options: str, user: str = "") -> list[str]:
        """The ssh command line that leads to it; ``options`` come first, so that they win."""
        return [
            *("ssh", "-F", "none", "-i", str(self.identity_file), "-p", str(self.port), *options),
            *("-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "GlobalKnownHostsFile=none"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"),
            f"{user or self.user}@{self.ip}",
        ]

    def ssh(self, command: str, *options: str, user: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command line over ssh to its end; the exit code is 255 when ssh itself failed."""
        argv = [*self.ssh_argv(*options, user=user), command]
        return subprocess.run(
            argv, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def wait_ready(self) -> None:
        """Wait until its sshd greets. Raises ``HostError`` with what the console says when it does not."""
        deadline = time.monotonic() + _READY_S
        while not self._greets():
            if time.monotonic() > deadline or not self.on:
                console = self.console.read_text(errors="replace").strip()
                raise HostError(f"{self.name} did not come up: {console or 'nothing on its console'}")
            time.sleep(0.01)

    def _make_key(self) -> None:
        key = str(self.folder / "host_key")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", key)

    def _greets(self) -> bool:
        try:
            with socket.create_connection((self.ip, self.port), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False
