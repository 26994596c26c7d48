"""A host made of namespaces: all that a machine of its own has, but the kernel."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.hosts import image
from tests.hosts.command import HostError, launch, run
from tests.hosts.control_groups import ControlGroups
from tests.hosts.disk import Disk, wipe
from tests.hosts.freezer import Freezer
from tests.hosts.host import Host
from tests.hosts.network import Wire
from tests.hosts.process import Process, running

_NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--cgroup")
_JOIN_THEN_START = 'for entrance in $0; do echo $$ >"$entrance"; done; exec "$@"'


class Machine(Host):
    """Root, ``dev`` (passwordless sudo) and ``guest`` (never root) log in to it by key."""

    user = image.SUDO_USER

    def __init__(self, folder: Path, wire: Wire, disk_mib: int) -> None:
        super().__init__(folder)
        self._wire = wire
        self._disk = Disk(folder, disk_mib)
        self._freezer = Freezer(wire.namespace, self.processes)
        self._groups = ControlGroups(wire.namespace)

    @property
    def ip(self) -> str:
        return self._wire.ip

    @property
    def root(self) -> Path:
        return self._disk.root

    def home(self, user: str = "") -> Path:
        return self.root / ("root" if user == "root" else f"home/{user or self.user}")

    @property
    def on(self) -> bool:
        return self._init is not None

    def make(self) -> None:
        self.folder.mkdir(mode=0o755)
        self._make_key()
        self._install()

    def start(self) -> None:
        if self.on:
            return
        self._wire.connect()
        self._freezer.make()
        self._groups.make()
        entrances = {*self._groups.entrances, *filter(None, [self._freezer.entrance])}
        argv = (
            *("sh", "-c", _JOIN_THEN_START, " ".join(map(str, sorted(entrances)))),
            *("nsenter", f"--net=/run/netns/{self._wire.namespace}"),
            *("unshare", *_NAMESPACES, "--fork", "--kill-child"),
            *("bash", str(image.HERE / "boot.sh"), str(self.root), self.name, *self._groups.hierarchies),
        )
        init = launch(argv, self.console)
        (self.folder / "init").write_text(str(init))

    def kill(self) -> None:
        init = self._init
        if init is not None:
            init.send()
            self._freezer.thaw()
            init.wait()

    def crash(self) -> None:
        """Cut its power: no process, no answer, and not a word to those it was connected with."""
        self._wire.cut()
        self.kill()
        self._wire.remove()

    def poweroff(self) -> None:
        """Shut it down in order, as the command ``poweroff`` on it does."""
        init = self._init
        if init is not None:
            init.send(signal.SIGTERM)
            init.wait()

    def freeze(self) -> None:
        """Stop every process where it stands: the kernel still answers, nobody else does."""
        self._freezer.freeze()

    def thaw(self) -> None:
        self._freezer.thaw()

    def partition(self) -> None:
        """Cut it off from everybody; it runs on."""
        self._wire.cut()

    def heal(self) -> None:
        """Undo ``partition``, ``slow`` and ``lose``."""
        self._wire.mend()
        self._wire.restore()

    def slow(self, rate: str) -> None:
        """Let ``rate`` (``10mbit``, in tc's units) through in each direction."""
        self._wire.slow(rate)

    def lose(self, percent: int) -> None:
        """Lose that many of a hundred packets, at random, in each direction."""
        self._wire.lose(percent)

    def save_disk(self, archive: Path) -> None:
        """Write what is on its disk to ``archive``; the machine is off."""
        self._disk.save(archive)

    def load_disk(self, archive: Path) -> None:
        """Have the disk that another machine saved in the place of its own, and its own name; it is off."""
        self._disk.load(archive)
        (self.root / "etc" / "hostname").write_text(f"{self.name}\n")

    def fill_disk(self) -> None:
        """Leave no room on its disk."""
        self._disk.fill()

    def free_disk(self) -> None:
        """Undo ``fill_disk``."""
        self._disk.free()

    @property
    def network_namespace(self) -> str:
        """The name of its network, for ``ip netns``; a new one at each start."""
        return self._wire.namespace

    def also_at(self, number: int) -> str:
        """Give it, until it is switched off, the address of that number on its network, and return that."""
        address = str(self._wire.bridge.network[number])
        run("ip", "-n", self._wire.namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        return address

    def set_clock(self, offset_s: int) -> None:
        """Let the clock be wrong by ``offset_s`` for all that starts over ssh from now on; 0 sets it right.

        No namespace shifts the wall clock. A library loaded into each program does, so programs that ask the
        kernel by themselves (Go's, static ones) and those run with sudo keep the true time.
        """
        library = "usr/local/lib/wrong_clock.so"
        source = str(image.HERE / "wrong_clock.c")
        (self.root / library).parent.mkdir(parents=True, exist_ok=True)
        run("cc", "-shared", "-fPIC", "-O2", "-o", str(self.root / library), source)
        variables = f"LD_PRELOAD=/{library}\nCLOCK_OFFSET_S={offset_s}\n"
        for user in ("root", image.SUDO_USER, image.PLAIN_USER):
            (self.home(user) / ".ssh" / "environment").write_text(variables if offset_s else "")

    def reset(self) -> None:
        self.kill()
        self._disk.remove()
        self._install()
        self.boot()

    def remove(self) -> None:
        self.kill()
        self._wire.remove()
        self._groups.remove()
        self._freezer.remove()
        self._disk.remove()
        wipe(self.folder)

    def processes(self) -> list[Process]:
        init = self._init
        if init is None:
            return []
        namespace = _pid_namespace(init.pid)
        inside = [pid for pid in running() if _pid_namespace(pid) == namespace]
        return [process for process in map(Process.of, inside) if process is not None]

    def alive(self, pid: int) -> bool:
        """Return whether the process with that number on the machine runs."""
        status = self.run(["cat", f"/proc/{pid}/stat"], check=False).stdout if self.on else ""
        return bool(status) and status.rpartition(")")[2].split()[0] not in "ZX"

    def run(
        self, argv: Sequence[str], *, user: str = "", stdin: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        init = self._init
        if init is None:
            raise HostError(f"{self.name} is off; boot() it first")
        user = user or "root"
        home = "/" + str(self.home(user).relative_to(self.root))
        become = ("setpriv", "--reuid", user, "--regid", user, "--init-groups") if user != "root" else ()
        enter = ("nsenter", "--target", str(init.pid), "--all", "--root", "--wd=/")
        env = ("env", "-i", f"HOME={home}", f"USER={user}", f"PATH={_ROOT_PATH}")
        return run(*enter, *env, *become, *argv, stdin=stdin, check=check)

    def _install(self) -> None:
        self._disk.make()
        key = self.identity_file.with_suffix(".pub").read_text()
        image.write(self._disk.upper, self.name, self._wire, self.folder / "host_key", key)
        self._disk.attach()

    @property
    def _init(self) -> Process | None:
        return Process.noted(self.folder / "init")


_ROOT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _pid_namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""
