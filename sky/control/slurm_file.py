"""``~/.sky/slurm_clusters.yaml``: the Slurm clusters that the user may use, each field with its place.

lab:
  host: login.lab.edu             # an address, or an alias of ~/.ssh/config
  account: vision
  partitions: [gpu, debug]
campus:
  host:
    ip: 10.0.0.7
    user: ada
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from catalog.units import micro_usd
from executors.slurm import duration
from executors.slurm.clusters import WAIT_S, SlurmCluster, path
from executors.transports.address import Address
from sky.control.named_file import read_named
from sky.control.pool_file import address_of, refuse_password
from sky.exceptions import SpecError, within
from sky.fields.schema import Kind, Table, checked

CLUSTER_FIELDS: Table = {
    "host": (Kind.TEXT, Kind.MAPPING),
    "account": (Kind.TEXT,),
    "qos": (Kind.TEXT,),
    "partitions": (Kind.LIST,),
    "price": (Kind.NUMBER,),
    "time": (Kind.INTEGER, Kind.TEXT),
    "wait": (Kind.NUMBER,),
}
HOST_FIELDS: Table = {
    "ip": (Kind.TEXT,),
    "user": (Kind.TEXT,),
    "identity_file": (Kind.TEXT,),
    "port": (Kind.INTEGER,),
    "proxy_jump": (Kind.TEXT,),
}

EXAMPLE = """\
lab:
  host: login.lab.edu
  account: vision
  partitions: [gpu]"""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SECONDS_PER_MINUTE = 60


def read() -> dict[str, SlurmCluster]:
    """Return the clusters by name, in the order of the file; none without a file. Raises ``SpecError``."""
    return read_named(path(), "Slurm clusters", EXAMPLE, _cluster)


def _cluster(name: str, config: object) -> SlurmCluster:
    if not _NAME.fullmatch(name):
        raise SpecError("a Slurm cluster's name is letters, digits, '.', '_' and '-', at most 63")
    refuse_password(config)
    fields = checked(config, CLUSTER_FIELDS, "a Slurm cluster")
    if not fields.get("host"):
        raise SpecError("needs the login node's address, for example: host: login.lab.edu", "host")
    for field in ("price", "wait"):
        if fields.get(field, 0) < 0:
            raise SpecError(f"must be 0 or more, not {fields[field]}", field)
    with within("host"):
        address = _login(fields["host"])
    return SlurmCluster(
        name=name,
        login=address,
        account=_word(fields, "account"),
        qos=_word(fields, "qos"),
        partitions=_partitions(fields.get("partitions", ())),
        price_micro_usd=micro_usd(fields.get("price", 0)),
        time_minutes=_time(fields.get("time")),
        wait_s=round(fields["wait"] * _SECONDS_PER_MINUTE) if "wait" in fields else WAIT_S,
    )


def _login(host: Any) -> Address:
    if isinstance(host, str):
        return address_of({"ip": host})
    refuse_password(host)
    fields = checked(host, HOST_FIELDS, "a login node")
    if not fields.get("ip"):
        raise SpecError("needs the login node's address, for example: ip: 10.0.0.7", "ip")
    return address_of(fields)


def _word(fields: Mapping[str, Any], field: str) -> str:
    word: str = fields.get(field, "")
    if any(character.isspace() or character == "," for character in word):
        raise SpecError(f"is one name without spaces and commas, not {word!r}", field)
    return word


def _partitions(listed: Any) -> tuple[str, ...]:
    for position, each in enumerate(listed):
        if not isinstance(each, str) or not each.strip():
            raise SpecError(
                f"is the name of a partition, not {each!r}; sinfo lists them", "partitions", position
            )
    return tuple(listed)


def _time(value: Any) -> int:
    """Return minutes of a number of them, or of Slurm's own ``days-hours:minutes:seconds``; 0 of nothing."""
    if value is None:
        return 0
    minutes = duration.minutes(str(value))
    if not minutes:
        raise SpecError(
            f"must be minutes, or days-hours:minutes:seconds as for sbatch (90, 2-00:00:00), not {value!r}",
            "time",
        )
    return minutes
