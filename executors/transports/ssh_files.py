"""What SSH connections keep on this machine: pinned host keys, one client configuration, control sockets."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

from catalog.home import sky_home
from executors.errors import Unsupported
from executors.transports.address import Address

_SOCKET_PATH_LIMIT = 108
_MASTER_SUFFIX = 1 + 16  # a master that starts binds "<path>.<16 characters>" first
_KEEPALIVE_S, _KEEPALIVES = 2, 3


def ssh_folder() -> Path:
    """Return ``SKY_HOME/ssh``, made with mode 0700 on first use."""
    folder = sky_home() / "ssh"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def locks_folder() -> Path:
    """Return the folder of the files that processes lock while they open a connection."""
    folder = ssh_folder() / "locks"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def pins_file() -> Path:
    """Return the known_hosts file of the keys that this project pinned; it need not exist."""
    return ssh_folder() / "known_hosts"


def user_folder() -> Path:
    """Return the user's ``~/.ssh``; it need not exist."""
    return Path.home() / ".ssh"


def known_hosts_files() -> tuple[Path, ...]:
    """Return the files that say which host keys are right: our pins, then the user's own."""
    return (pins_file(), user_folder() / "known_hosts", user_folder() / "known_hosts2")


def client_config() -> Path:
    """Return the configuration for OpenSSH's programs: our rules first, then the user's and the system's.

    It holds for jump hosts, too, to which options of the command line would not be passed on.
    """
    text = _CONFIG.format(
        known_hosts=" ".join(_quoted(path).replace("%", "%%") for path in known_hosts_files()),
        keepalive_s=_KEEPALIVE_S,
        keepalives=_KEEPALIVES,
        user_config=_quoted(user_folder() / "config"),
    )
    path = ssh_folder() / "client_config"
    if not path.is_file() or path.read_text("utf-8") != text:
        write_private(path, text)
    return path


_CONFIG = """\
# Written anew when it differs; change ~/.ssh/config instead.
IgnoreUnknown ForkAfterAuthentication,SessionType,StdinNull
BatchMode yes
StrictHostKeyChecking yes
UserKnownHostsFile {known_hosts}
UpdateHostKeys no
ServerAliveInterval {keepalive_s}
ServerAliveCountMax {keepalives}
LogLevel ERROR
ControlMaster no
ControlPath none
ControlPersist no
ClearAllForwardings yes
ForwardX11 no
PermitLocalCommand no
RemoteCommand none
RequestTTY no
SessionType default
StdinNull no
ForkAfterAuthentication no
Include {user_config}
Include /etc/ssh/ssh_config
"""


def control_path(address: Address, lane: int) -> Path:
    """Return where the ``lane``-th connection to ``address`` has its control socket.

    Below ``SKY_HOME`` where a socket's path may be that long, else in a short folder of this user alone.
    Raises ``Unsupported`` when somebody else has that folder.
    """
    way = replace(address, internal_ip="").to_dict()
    identity = json.dumps([str(ssh_folder()), way, lane], sort_keys=True)
    name = hashlib.sha256(identity.encode()).hexdigest()[:16]
    for folder in (ssh_folder() / "s", *_short_folders()):
        if len(os.fsencode(folder / name)) + _MASTER_SUFFIX < _SOCKET_PATH_LIMIT:
            return _own(folder) / name
    raise Unsupported("no folder has a path short enough for a socket; set XDG_RUNTIME_DIR to a short one")


def _short_folders() -> list[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    last = Path(tempfile.gettempdir()), Path("/tmp")  # noqa: S108 - the folder in it is checked for its owner
    return [*([Path(runtime) / "sky"] if runtime else []), *(place / f"sky-{os.getuid()}" for place in last)]


def _own(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise Unsupported(
            f"{folder} is not a folder of this user alone, so no control socket can be put there: "
            f"remove it, or set XDG_RUNTIME_DIR to a folder of mode 0700"
        )
    return folder


def write_private(path: Path, text: str) -> None:
    """Put ``text`` in the place of ``path``, whole and with mode 0600."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
