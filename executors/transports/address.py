"""How one node is reached over SSH."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from catalog.errors import UserError

_WORD = re.compile(r"[^\s\x00-\x1f\x7f'\"`$\\;&|<>()%-][^\s\x00-\x1f\x7f'\"`$\\;&|<>()%]*")


@dataclass(frozen=True, slots=True)
class Address:
    """One node: a host name, IP address or alias of the user's SSH configuration, and how to log in there.

    What is empty (``port`` 22 as well) is left to the user's SSH configuration. ``proxy_jump`` is written as
    for ``ssh -J``: ``[user@]host[:port]``, several with commas. ``internal_ip`` is how the other nodes of
    the cluster reach it. Raises ``UserError`` for words that no host or user can be called.
    """

    host: str
    port: int = 22
    user: str = ""
    identity_file: str = ""
    proxy_jump: str = ""
    internal_ip: str = ""

    def __post_init__(self) -> None:
        for name in ("host", "user", "proxy_jump", "internal_ip"):
            value = getattr(self, name)
            if (value or name == "host") and not _WORD.fullmatch(value):
                raise UserError(
                    f"{name} {value!r} is not one that SSH can reach: letters, digits, '.', ':', '_'"
                )
        if not 0 < self.port < 1 << 16:
            raise UserError(f"port {self.port} of {self.host} is not between 1 and 65535")

    def __str__(self) -> str:
        """Return ``[user@]host[:port]``, for messages."""
        login = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host and self.port != 22 else self.host
        return f"{login}{host}" + (f":{self.port}" if self.port != 22 else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON holds them, defaults left out."""
        default = Address("default")
        return {
            name: value
            for name, value in asdict(self).items()
            if name == "host" or value != getattr(default, name)
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Address:
        """Return the address that ``to_dict`` wrote; fields of newer releases are left aside."""
        known = {name: fields[name] for name in cls.__dataclass_fields__ if name in fields}
        return cls(**{**known, "port": int(known.get("port", 22))})


def write_nodes(addresses: Iterable[Address]) -> str:
    """Return the addresses of a cluster's nodes, head first, as ``Handle.data["nodes"]`` holds them."""
    return json.dumps([address.to_dict() for address in addresses])


def read_nodes(data: Mapping[str, str]) -> tuple[Address, ...]:
    """Return the addresses in a handle's ``data``, head first; none where it has no ``nodes``."""
    return parse_nodes(data.get("nodes", "[]"))


def parse_nodes(text: str) -> tuple[Address, ...]:
    """Return the addresses that ``write_nodes`` wrote."""
    return tuple(Address.from_dict(fields) for fields in json.loads(text))
