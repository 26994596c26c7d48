"""The words that every call of OpenSSH's client begins with."""

from __future__ import annotations

from pathlib import Path

from executors.transports.address import Address
from executors.transports.ssh_files import client_config

_CONNECT_TIMEOUT_S = 8


def client_argv(address: Address) -> list[str]:
    """Return the ssh command, up to its host, that connects to ``address`` by our rules and the user's."""
    return [
        *("ssh", "-F", str(client_config()), "-o", f"ConnectTimeout={_CONNECT_TIMEOUT_S}"),
        *(["-p", str(address.port)] if address.port != 22 else []),
        *(["-l", address.user] if address.user else []),
        *_identity(address),
        *(["-J", address.proxy_jump] if address.proxy_jump else []),
    ]


def _identity(address: Address) -> list[str]:
    if not address.identity_file:
        return []
    return ["-i", str(Path(address.identity_file).expanduser()), "-o", "IdentitiesOnly=yes"]
