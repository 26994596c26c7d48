"""``ssh CLUSTER``: one file a cluster in ``SKY_HOME/generated/ssh``, and one Include in the user's own file.

The user's file is touched once, at its top, and only where the Include is missing; what stands there stays
byte for byte. A file that cannot be replaced in its place is left alone, and the line is told instead.
"""

from __future__ import annotations

import logging
import os
import shlex
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from catalog.home import sky_home
from executors.transports.address import Address, read_nodes
from executors.transports.ssh_files import known_hosts_files
from sky.control.records import ClusterRecord

_log = logging.getLogger("sky.launch")

_SSH_TIMEOUT_S = 10.0
_DEFAULT_IDENTITY = "~/.ssh/id_rsa"
"""The first of the keys that OpenSSH names where the user's configuration names none."""


def add(record: ClusterRecord) -> None:
    """Make ``ssh NAME`` (the head) and ``ssh NAME-worker1`` work, where the cluster is reached by SSH.

    Where its nodes are containers on machines, these lead to the machines and ``ssh NAME-container``,
    ``ssh NAME-worker1-container`` to a shell inside.
    """
    from executors.container.machine import Container

    nodes = read_nodes(record.handle or {})
    if not nodes:
        return
    aliases = [record.name, *(f"{record.name}-worker{rank}" for rank in range(1, len(nodes)))]
    entries = [_entry(alias, node) for alias, node in zip(aliases, nodes, strict=True)]
    if container := Container.read(record.handle or {}):
        shell = (("RequestTTY", "yes"), ("RemoteCommand", container.shell))
        inside = (f"{alias}-container" for alias in aliases)
        entries += [_entry(alias, node, shell) for alias, node in zip(inside, nodes, strict=True)]
    text = "\n".join(entries)
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(_folder() / record.name, text.encode(), 0o600)
    _include()


def remove(name: str) -> None:
    """Take the entries of cluster ``name`` away; none is fine."""
    (_folder() / name).unlink(missing_ok=True)


def _folder() -> Path:
    return sky_home() / "generated" / "ssh"


def _entry(alias: str, node: Address, more: Sequence[tuple[str, str]] = ()) -> str:
    own = _own_configuration(node.host)
    options = [
        ("HostName", own.get("hostname", node.host)),
        ("HostKeyAlias", own.get("hostkeyalias", "")),
        ("User", node.user or own.get("user", "")),
        ("Port", str(node.port) if node.port != 22 else own.get("port", "22")),
        ("ProxyJump", node.proxy_jump or own.get("proxyjump", "")),
        ("ProxyCommand", "" if node.proxy_jump else own.get("proxycommand", "")),
        ("IdentityFile", _quoted(node.identity_file or own.get("identityfile", ""))),
        ("IdentitiesOnly", "yes" if node.identity_file else ""),
        ("UserKnownHostsFile", " ".join(_quoted(str(path)) for path in known_hosts_files())),
        ("StrictHostKeyChecking", "yes"),
        *more,
    ]
    return "".join([f"Host {alias}\n", *(f"  {name} {value}\n" for name, value in options if value)])


def _own_configuration(host: str) -> dict[str, str]:
    """Return what the user's configuration says of ``host``, which may be an alias there."""
    argv = ["ssh", "-G", "--", host]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_SSH_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition(" ")
        found.setdefault(name, value)
    if found.get("identityfile") == _DEFAULT_IDENTITY:
        del found["identityfile"]
    return found


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path


def _include() -> None:
    """Put the Include at the top of the user's file where it is missing."""
    place = Path.home() / ".ssh" / "config"
    line = f"Include {_quoted(str(_folder() / '*'))}"
    try:
        before = place.read_bytes()
    except FileNotFoundError:
        before = None
    except OSError as error:
        _tell(place, line, str(error))
        return
    if before is not None and any(path == str(_folder() / "*") for path in _included(before)):
        return
    if reason := _untouchable(place):
        _tell(place, line, reason)
        return
    try:
        place.parent.mkdir(mode=0o700, exist_ok=True)
        mode = 0o600 if before is None else stat.S_IMODE(place.stat().st_mode)
        _replace(place, f"{line}\n".encode() + (before or b""), mode)
    except OSError as error:
        _tell(place, line, str(error))


def _included(text: bytes) -> Iterator[str]:
    """Yield what the file includes, home written out."""
    for line in text.decode("utf-8", "replace").splitlines():
        keyword, _, rest = line.strip().replace("=", " ", 1).partition(" ")
        if keyword.lower() == "include":
            with suppress(ValueError):
                yield from (str(Path(word).expanduser()) for word in shlex.split(rest))


def _untouchable(place: Path) -> str:
    """Return why the file is not to be replaced, ``""`` where it may be."""
    if place.is_symlink():
        return "it is a link"
    with suppress(FileNotFoundError):
        found = place.stat()
        if not found.st_mode & stat.S_IWUSR:
            return "it is read-only"
        if found.st_uid != os.getuid():
            return "it belongs to another user"
    return ""


def _tell(place: Path, line: str, reason: str) -> None:
    _log.info("For `ssh CLUSTER`, put this line at the top of %s (%s):\n%s", place, reason, line)


def _replace(place: Path, content: bytes, mode: int) -> None:
    """Put ``content`` in the place of the file, whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        Path(temporary).replace(place)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
