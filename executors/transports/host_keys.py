"""Which keys are right for which host: pins in ``SKY_HOME/ssh/known_hosts``, written in OpenSSH's format.

Nothing is pinned without somebody's word: ``scan`` brings the key that a host shows, its ``fingerprint`` is
for a person to compare, and ``pin`` makes it the right one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from catalog.errors import UserError
from executors.errors import HostUnreachable
from executors.transports.address import Address
from executors.transports.client import client_argv
from executors.transports.host_key import HostKey, parse_keys, read_keys
from executors.transports.ssh_failures import changed_key, failure
from executors.transports.ssh_files import known_hosts_files, pins_file, write_private

_SCAN_LIMIT_S = 45.0
# The key is taken down and then the login is not even tried.
_TAKE_DOWN = (
    *("-o", "StrictHostKeyChecking=accept-new", "-o", "GlobalKnownHostsFile=none", "-o", "HashKnownHosts=no"),
    *("-o", "PreferredAuthentications=none", "-o", "PubkeyAuthentication=no", "-o", "CheckHostIP=no"),
)


def route(address: Address) -> tuple[Address, ...]:
    """Return the hosts on the way, ``address`` itself last: each has a key of its own to be known."""
    if shutil.which("ssh") is None:
        from executors.transports.asyncssh_connection import jumps as configured

        hops = configured(address)
        ways = (",".join(map(str, hops[:before])) for before in range(len(hops)))
        return (*(replace(hop, proxy_jump=way) for hop, way in zip(hops, ways, strict=True)), address)
    jumps = address.proxy_jump or _resolved(address).get("proxyjump", "none")
    if jumps == "none":
        return (address,)
    words = jumps.split(",")
    return (*(_hop(word, ",".join(words[:before])) for before, word in enumerate(words)), address)


def _hop(jump: str, through: str) -> Address:
    found = re.fullmatch(r"(?:ssh://)?(?:([^@]+)@)?(\[[^\]]+\]|[^:]+)(?::(\d+))?/?", jump)
    if found is None:
        raise UserError(f"proxy_jump {jump!r} is not [user@]host[:port]")
    return Address(found[2].strip("[]"), int(found[3] or 22), found[1] or "", proxy_jump=through)


def scan(address: Address) -> HostKey:
    """Ask ``address``, on its way through jump hosts whose keys are known, for its key; trusts nothing.

    Raises ``HostUnreachable``, or ``HostKeyUnknown`` for a jump host that has to be pinned first.
    """
    if shutil.which("ssh") is None:
        from executors.transports.asyncssh_connection import shown_key

        return HostKey(known_name(address), *shown_key(address).split())
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder, "known_hosts")
        argv = [*client_argv(address), "-o", f"UserKnownHostsFile={taken}", *_TAKE_DOWN]
        try:
            done = subprocess.run(
                [*argv, "-T", "--", address.host, "true"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SCAN_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HostUnreachable(
                f"{address} accepts connections and then says nothing", address.host
            ) from None
        keys = read_keys(taken)
    if not keys:
        raise failure(address, done.stderr, [*client_argv(address), address.host])
    return keys[0]


def pin(key: HostKey, *, replace: bool = False) -> None:
    """Make ``key`` the right one for its host; pinned already is success.

    Raises ``HostKeyChanged`` where another key of that kind is pinned, unless it is to be replaced.
    """
    with _pins() as keys:
        others = [old for old in keys if (old.host, old.kind) == (key.host, key.kind) and old != key]
        if others and not replace:
            raise changed_key(Address("host"), key.host, others[0].fingerprint, key.fingerprint, "")
        keys[:] = [old for old in keys if old not in others and old != key] + [key]


def pinned(address: Address) -> tuple[HostKey, ...]:
    """Return the keys that are pinned for ``address``."""
    name = known_name(address)
    return tuple(key for key in read_keys(pins_file()) if key.host == name)


def known(address: Address) -> tuple[HostKey, ...]:
    """Return the keys that are right for ``address``: pinned, or in the user's own known_hosts files."""
    name = known_name(address)
    if shutil.which("ssh") is None:
        from executors.transports.asyncssh_connection import known_keys

        return tuple(HostKey(name, *key.split()) for key in known_keys(address))
    found: list[HostKey] = []
    for path in known_hosts_files():
        if path.is_file():
            argv = ["ssh-keygen", "-F", name, "-f", str(path)]
            lines = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False).stdout
            found += [HostKey(name, key.kind, key.key) for key in parse_keys(lines.splitlines())]
    return tuple(found)


def forget(address: Address) -> bool:
    """Unpin every key of ``address``; returns whether there was one. The user's own files stay."""
    name = known_name(address)
    with _pins() as keys:
        kept = [key for key in keys if key.host != name]
        gone = len(kept) != len(keys)
        keys[:] = kept
    return gone


def unpin(key: HostKey) -> None:
    """Take back the pin of this very key; another one of the same host stays."""
    with _pins() as keys:
        keys[:] = [old for old in keys if old != key]


def known_name(address: Address) -> str:
    """Return what known_hosts files call ``address``, the user's SSH configuration applied."""
    if shutil.which("ssh") is None:
        from executors.transports import asyncssh_connection

        return asyncssh_connection.known_name(address)
    fields = _resolved(address)
    alias = fields.get("hostkeyalias", "none")
    if alias not in {"none", ""}:
        return alias
    host, port = fields.get("hostname", address.host).lower(), fields.get("port", str(address.port))
    return host if port == "22" else f"[{host}]:{port}"


def _resolved(address: Address) -> dict[str, str]:
    done = subprocess.run(
        [*client_argv(address), "-G", "--", address.host], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"the SSH configuration cannot be read: {done.stderr.strip()}")
    pairs = (line.partition(" ") for line in done.stdout.splitlines())
    return {name: value for name, _, value in pairs}


@contextmanager
def _pins() -> Iterator[list[HostKey]]:
    """Give the pins to change; what they are at the end of the block is written, whole."""
    from filelock import FileLock

    path = pins_file()
    with FileLock(path.with_suffix(".lock"), mode=0o600):
        before = read_keys(path)
        keys = list(before)
        yield keys
        if keys != before:
            write_private(path, "".join(f"{key.line}\n" for key in keys))
