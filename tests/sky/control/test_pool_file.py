"""The pools file: both forms of a host, defaults of the pool, and errors that say where and what instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.errors import UserError
from executors.ssh.facts import Overrides
from executors.ssh.pools import Facts
from executors.transports.address import Address
from sky.control import pool_file
from sky.exceptions import SpecError


def write(home: Path, text: str) -> Path:
    path = home / ".sky" / "ssh_node_pools.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_hosts_are_texts_or_mappings_and_take_the_defaults_of_their_pool(home: Path) -> None:
    key = home / "key"
    key.touch()
    write(
        home,
        """
lab:
  user: ada
  identity_file: ~/key
  port: 2222
  price: 1.5
  memory: 64GB
  hosts:
    - node-a
    - ip: 10.0.0.7
      user: bob
      port: 22
      proxy_jump: ada@gate:22
      price: 0
      cpus: 6
      accelerators: A100:8
other:
  hosts: [node-b]
""",
    )
    lab, other = pool_file.read().values()
    first, second = lab.hosts
    assert (first.name, first.address) == ("node-a", Address("node-a", 2222, "ada", str(key)))
    assert (first.price_micro_usd, first.overrides) == (1_500_000, Overrides(memory_mib=65_536))
    assert second.address == Address("10.0.0.7", 22, "bob", str(key), "ada@gate:22")
    assert second.price_micro_usd == 0
    found = Facts(cpus_milli=8_000, memory_mib=1, accelerator="T4", accelerators=1, accelerator_memory_mib=9)
    assert second.overrides.over(found) == Facts(6_000, 65_536, "A100", 8)
    assert (other.name, other.hosts[0].address) == ("other", Address("node-b"))


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("lab:\n  hosts:\n    - ip: h\n      usr: x\n", "4:7: lab.hosts[0].usr", "Did you mean 'user'?"),
        ("lab:\n  host: [h]\n", "2:3: lab.host", "Did you mean 'hosts'?"),
        ("lab:\n  user: x\n", "1:1: lab.hosts", "hosts: [10.0.0.5, 10.0.0.6]"),
        ("lab:\n  hosts: h\n", "2:3: lab.hosts", "must be a list"),
        ("lab:\n  hosts:\n    - user: x\n", "3:7: lab.hosts[0].ip", "ip: 10.0.0.5"),
        ("lab:\n  hosts: [h, h]\n", "2:14: lab.hosts[1]", "listed twice"),
        ("lab:\n  hosts: [h]\n  port: ssh\n", "3:3: lab.port", "must be a whole number"),
        ("lab:\n  hosts: [h]\n  port: 70000\n", "2:11: lab.hosts[0]", "between 1 and 65535"),
        ("lab:\n  hosts: [h]\n  price: -1\n", "2:11: lab.hosts[0].price", "0 or more USD"),
        ("lab:\n  hosts: [h]\n  cpus: 0\n", "2:11: lab.hosts[0].cpus", "must be more than 0"),
        ("lab:\n  hosts: [h]\n  accelerators: 80GB+\n", "lab.hosts[0].accelerators", "A100:8"),
        ("lab:\n  hosts: [h]\n  identity_file: /no\n", "identity_file", "is not a file"),
        ("lab:\n  password: x\n  hosts: [h]\n", "2:3: lab.password", "keys alone"),
        ("lab:\n  hosts: ['-oProxyCommand=x']\n", "2:11: lab.hosts[0]", "is not one that SSH can reach"),
        ("'a/b':\n  hosts: [h]\n", "1:1: a/b", "a pool's name"),
        ("- lab\n", "1:1", "a mapping of pools"),
        ("lab: {hosts: [h]}\nlab: {hosts: [h]}\n", "2:1", "duplicate key 'lab'"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_write(
    home: Path, text: str, place: str, message: str
) -> None:
    path = write(home, text)
    with pytest.raises(SpecError) as caught:
        pool_file.read()
    assert str(caught.value).startswith(str(path))
    assert place in str(caught.value)
    assert message in str(caught.value)


def test_a_pool_that_is_not_there_is_answered_with_those_that_are(home: Path) -> None:
    with pytest.raises(UserError, match=r"no pool 'lab'.*Write for example:\nlab:"):
        pool_file.entry("lab")
    write(home, "lab: {hosts: [h]}\n")
    with pytest.raises(UserError, match=r"has no pool 'lap'\. Did you mean 'lab'\?"):
        pool_file.entry("lap")
    assert pool_file.entry("lab").name == "lab"
