"""Connections through asyncssh, by the same files and rules as OpenSSH's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncssh

from catalog.errors import UserError
from executors.errors import HostUnreachable, LoginRefused
from executors.transports import background
from executors.transports.address import Address
from executors.transports.lanes import SESSIONS
from executors.transports.ssh_failures import changed_key, unknown_key
from executors.transports.ssh_files import known_hosts_files, user_folder

_CONNECT_TIMEOUT_S, _LOGIN_TIMEOUT_S = 10, 30
_KEEPALIVE_S, _KEEPALIVES = 2, 3
_BUSY = (ConnectionRefusedError, ConnectionResetError, asyncssh.ConnectionLost)
_PAUSES_S = (0.3, 0.7, 1.5, 3.0)


class Connection:
    """One connection and how many of its sessions are used."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.used = 0
        self.room = SESSIONS
        self._open: asyncssh.SSHClientConnection | None = None
        self._hops: list[asyncssh.SSHClientConnection] = []

    @property
    def client(self) -> asyncssh.SSHClientConnection:
        """The open connection."""
        assert self._open is not None
        return self._open

    def connected(self) -> bool:
        """Return whether the connection was made and is not known to be lost."""
        return self._open is not None and not self._open.is_closed()

    def connect(self) -> None:
        """Make sure that the connection is there. Raises ``HostUnreachable`` and its kinds."""
        background.run(self._connect())

    def disconnect(self) -> None:
        """End the connection; ended already is success."""
        if self._open is not None:
            background.run(self._disconnect())

    async def _disconnect(self) -> None:
        for connection in (self._open, *reversed(self._hops)):
            if connection is not None:
                connection.close()
                await connection.wait_closed()
        self._open, self._hops = None, []

    async def _connect(self) -> None:
        await self._disconnect()
        pauses = iter(_PAUSES_S)
        while self._open is None:
            try:
                self._open = await self._through(self.address)
            except _BUSY as error:  # noqa: PERF203 - a connection costs more
                pause_s = next(pauses, None)
                if pause_s is None:
                    raise _unreachable(self.address, error) from error
                await asyncio.sleep(pause_s)
            except (OSError, asyncssh.Error) as error:
                raise await _failure(self.address, self._hops, error) from error

    async def _through(self, address: Address) -> asyncssh.SSHClientConnection:
        """Connect to ``address`` over its jump hosts, each of which has to be known as well."""
        self._hops = []
        tunnel: asyncssh.SSHClientConnection | tuple[()] = ()
        for hop in jumps(address):
            tunnel = await _open(hop, tunnel)
            self._hops.append(tunnel)
        return await _open(address, tunnel)


def jumps(address: Address) -> list[Address]:
    """Return the jump hosts on the way, by ``address`` itself or by the user's SSH configuration."""
    words = address.proxy_jump or str(_configured(address).tunnel or "none")
    return [] if words == "none" else [hop(word) for word in words.split(",")]


def hop(word: str) -> Address:
    """Read one ``[user@]host[:port]``."""
    user, _, place = word.removeprefix("ssh://").rstrip("/").rpartition("@")
    host, _, port = place.rpartition(":") if place.rpartition(":")[2].isdigit() else (place, "", "22")
    return Address(host.strip("[]"), int(port), user)


def known_name(address: Address) -> str:
    """Return what known_hosts files call ``address``, the user's SSH configuration applied."""
    configured = _configured(address)
    if configured.host_key_alias:
        return configured.host_key_alias
    port = address.port if address.port != 22 else configured.port
    return configured.host.lower() if port == 22 else f"[{configured.host.lower()}]:{port}"


def known_keys(address: Address) -> list[str]:
    """Return the keys, ``kind base64``, that the pins and the user's own files have for ``address``."""
    host, port = _split(known_name(address))
    return [_text(key) for key in known_hosts().match(host, "", port)[0]]


def shown_key(address: Address) -> str:
    """Return the key, ``kind base64``, that ``address`` shows; the jump hosts before it have to be known.

    Raises ``HostUnreachable`` and its kinds.
    """
    return background.run(_shown_key(address))


async def _shown_key(address: Address) -> str:
    connections: list[asyncssh.SSHClientConnection] = []
    try:
        tunnel: asyncssh.SSHClientConnection | tuple[()] = ()
        for jump in jumps(address):
            tunnel = await _open(jump, tunnel)
            connections.append(tunnel)
        key = await _ask(address, tunnel)
    except (OSError, asyncssh.Error) as error:
        raise await _failure(address, connections, error) from error
    finally:
        for connection in reversed(connections):
            connection.close()
            await connection.wait_closed()
    if key is None:
        raise HostUnreachable(f"{address} shows no key", address.host)
    return _text(key)


async def _ask(address: Address, tunnel: Any) -> asyncssh.SSHKey | None:
    configured = _configured(address)
    port = address.port if address.port != 22 else configured.port
    asked = asyncssh.get_server_host_key(configured.host, port, tunnel=tunnel, config=None)
    return await asyncio.wait_for(asked, _LOGIN_TIMEOUT_S)


def _split(name: str) -> tuple[str, int]:
    host, _, port = name[1:].partition("]:") if name.startswith("[") else (name, "", "22")
    return host, int(port)


def _text(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


async def _open(address: Address, tunnel: Any) -> asyncssh.SSHClientConnection:
    options: dict[str, Any] = {
        "config": _config(),
        "known_hosts": known_hosts(),
        "keepalive_interval": _KEEPALIVE_S,
        "keepalive_count_max": _KEEPALIVES,
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "login_timeout": _LOGIN_TIMEOUT_S,
        "tunnel": tunnel,
        "password": None,
        "preferred_auth": "publickey,gssapi-with-mic,hostbased",
    }
    if address.port != 22:
        options["port"] = address.port
    if address.user:
        options["username"] = address.user
    if address.identity_file:
        options["client_keys"] = [str(Path(address.identity_file).expanduser())]
        options["agent_path"] = None
    return await asyncssh.connect(address.host, **options)


def known_hosts() -> asyncssh.SSHKnownHosts:
    """Return our pins and the user's own keys; an empty set trusts nobody.

    A line that cannot be read counts for nothing, as with OpenSSH.
    """
    files = [path for path in known_hosts_files() if path.is_file()]
    lines = [line for path in files for line in path.read_text("utf-8", errors="replace").splitlines()]
    return asyncssh.import_known_hosts("".join(f"{line}\n" for line in lines if _readable(line)))


def _readable(line: str) -> bool:
    try:
        asyncssh.import_known_hosts(line)
    except ValueError:
        return False
    return True


def _config() -> list[str]:
    return [str(path) for path in (user_folder() / "config", Path("/etc/ssh/ssh_config")) if path.is_file()]


def _configured(address: Address) -> asyncssh.SSHClientConnectionOptions:
    """Return what the user's SSH configuration makes of the host; no key is loaded."""
    try:
        return asyncssh.SSHClientConnectionOptions(
            host=address.host, config=_config(), known_hosts=None, client_keys=None, agent_path=None
        )
    except asyncssh.ConfigParseError as error:
        raise UserError(f"the SSH configuration cannot be read: {error}") from error


async def _failure(
    address: Address, hops: Sequence[asyncssh.SSHClientConnection], error: Exception
) -> HostUnreachable:
    way = [*jumps(address), address]
    failed = way[min(len(hops), len(way) - 1)]
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return await _wrong_key(address, failed, hops[-1] if hops else ())
    if isinstance(error, asyncssh.PermissionDenied | asyncssh.KeyImportError | FileNotFoundError):
        keys = failed.identity_file or "those of the SSH configuration, of the SSH agent and ~/.ssh/id_*"
        return LoginRefused(
            f"{failed} refuses the login: {error}; keys tried: {keys}. Put the public key into "
            f"~/.ssh/authorized_keys there, or name another user or identity_file; "
            f"by hand: ssh {failed.host}",
            address.host,
        )
    return _unreachable(address, error)


def _unreachable(address: Address, error: Exception) -> HostUnreachable:
    said = str(error) or type(error).__name__
    return HostUnreachable(
        f"{address} cannot be reached: {said}. Is it up, and are name, port and network right?", address.host
    )


async def _wrong_key(address: Address, failed: Address, tunnel: Any) -> HostUnreachable:
    """Tell a host that nobody knows from one that shows another key than the known one."""
    name = known_name(failed)
    right = known_keys(failed)
    if not right:
        return unknown_key(address, name)
    shown = await _ask(failed, tunnel)
    return changed_key(
        address,
        name,
        asyncssh.import_public_key(right[0]).get_fingerprint(),
        shown.get_fingerprint() if shown else "another",
        f'`ssh-keygen -R "{name}"`',
    )
