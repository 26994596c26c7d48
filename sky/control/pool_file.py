"""``~/.sky/ssh_node_pools.yaml``: the user's pools of hosts, each field read with its place in the file.

lab:
  user: ada
  identity_file: ~/.ssh/lab
  hosts:
    - node-a                      # an address, or an alias of ~/.ssh/config
    - ip: 10.0.0.7
      port: 2222
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.errors import UserError
from catalog.home import sky_home
from catalog.units import mib, micro_usd, milli
from executors.ssh import pools
from executors.ssh.facts import Overrides
from executors.transports.address import Address
from sky.control.named_file import read_named
from sky.exceptions import SpecError, within
from sky.fields import accelerator_spec
from sky.fields.schema import Kind, Table, checked
from sky.fields.suggest import did_you_mean

FILE = "ssh_node_pools.yaml"

_SHARED: Table = {
    "user": (Kind.TEXT,),
    "identity_file": (Kind.TEXT,),
    "port": (Kind.INTEGER,),
    "proxy_jump": (Kind.TEXT,),
    "price": (Kind.NUMBER,),
    "cpus": (Kind.NUMBER,),
    "memory": (Kind.NUMBER, Kind.TEXT),
    "accelerators": (Kind.TEXT, Kind.MAPPING),
}
POOL_FIELDS: Table = {"hosts": (Kind.LIST,), **_SHARED}
HOST_FIELDS: Table = {"ip": (Kind.TEXT,), **_SHARED}

EXAMPLE = """\
lab:
  user: ubuntu
  identity_file: ~/.ssh/id_ed25519
  hosts:
    - 10.0.0.5
    - 10.0.0.6"""


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One host as the file describes it."""

    name: str
    address: Address
    overrides: Overrides
    price_micro_usd: int


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """One pool as the file describes it."""

    name: str
    hosts: tuple[HostEntry, ...]


def path() -> Path:
    """Return where the file is, or would be."""
    return sky_home() / FILE


def read() -> dict[str, PoolEntry]:
    """Return the pools by name, in the order of the file; none without a file. Raises ``SpecError``."""
    return read_named(path(), "pools", EXAMPLE, _pool)


def entry(name: str) -> PoolEntry:
    """Return the pool of that name. Raises ``UserError`` that says which there are, or what to write."""
    known = read()
    if name in known:
        return known[name]
    if not known:
        raise UserError(f"there is no pool {name!r}: {path()} {no_pools()}")
    hint = did_you_mean(name, known) or f" There are: {', '.join(known)}."
    raise UserError(f"{path()} has no pool {name!r}.{hint}")


def no_pools() -> str:
    """Return what is to be said where the file has no pool."""
    return f"holds no pool. Write for example:\n{EXAMPLE}"


def _pool(name: str, config: object) -> PoolEntry:
    pools.check_name(name)
    refuse_password(config)
    fields = checked(config, POOL_FIELDS, "a pool")
    listed = fields.pop("hosts", None)
    if not listed:
        raise SpecError("needs at least one host, for example: hosts: [10.0.0.5, 10.0.0.6]", "hosts")
    hosts: list[HostEntry] = []
    for position, each in enumerate(listed):
        with within("hosts", position):
            host = _host(each, fields)
            if any(host.name == other.name and host.address == other.address for other in hosts):
                raise SpecError(f"{host.name} is listed twice; remove one")
            hosts.append(host)
    return PoolEntry(name, tuple(hosts))


def refuse_password(config: object) -> None:
    """Raise ``SpecError`` where the mapping has a password."""
    if isinstance(config, Mapping) and "password" in config:
        raise SpecError("sky logs in with keys alone; name an identity_file instead", "password")


def _host(config: object, defaults: Mapping[str, Any]) -> HostEntry:
    if isinstance(config, str):
        config = {"ip": config}
    if not isinstance(config, Mapping):
        raise SpecError(f"a host is an address, or a mapping with ip: {config!r} is neither")
    refuse_password(config)
    own = checked(config, HOST_FIELDS, "a host")
    if not own.get("ip"):
        raise SpecError("needs the host's address, for example: ip: 10.0.0.5", "ip")
    fields = {**defaults, **own}
    accelerator, accelerators = _accelerators(fields.get("accelerators"))
    overrides = Overrides(
        cpus_milli=_positive(fields, "cpus", milli),
        memory_mib=_positive(fields, "memory", mib),
        accelerator=accelerator,
        accelerators=accelerators,
    )
    if fields.get("price", 0) < 0:
        raise SpecError(f"must be 0 or more USD an hour, not {fields['price']}", "price")
    return HostEntry(own["ip"], address_of(fields), overrides, micro_usd(fields.get("price", 0)))


def address_of(fields: Mapping[str, Any]) -> Address:
    """Return the address in the fields ``ip user identity_file port proxy_jump``. Raises ``SpecError``."""
    identity = fields.get("identity_file", "")
    if identity:
        identity = str(Path(identity).expanduser())
        if not Path(identity).is_file():
            raise SpecError(f"{identity} is not a file; name the private key", "identity_file")
    return Address(
        host=fields["ip"],
        port=fields.get("port", 22),
        user=fields.get("user", ""),
        identity_file=identity,
        proxy_jump=fields.get("proxy_jump", ""),
    )


def _positive(fields: Mapping[str, Any], name: str, unit: Any) -> int | None:
    if name not in fields:
        return None
    with within(name):
        amount: int = unit(fields[name], name)
        if amount <= 0:
            raise SpecError(f"must be more than 0, not {fields[name]}")
    return amount


def _accelerators(value: Any) -> tuple[str | None, int | None]:
    spec = accelerator_spec.parse(value)
    if spec is None:
        return None, None
    if not spec.name or int(spec.count) != spec.count:
        raise SpecError(f"{value!r} must name one kind and a whole number of it: A100:8", "accelerators")
    return spec.name, int(spec.count)
