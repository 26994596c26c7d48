"""The file of Slurm clusters: both forms of a host, defaults, and errors that say where and what instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from executors import slurm
from executors.slurm.clusters import SlurmCluster
from executors.transports.address import Address
from sky.control import slurm_file
from sky.exceptions import SpecError


def write(home: Path, text: str) -> Path:
    path = home / ".sky" / "slurm_clusters.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_without_a_file_there_is_nothing_and_nobody_is_asked(home: Path) -> None:
    assert slurm_file.read() == {}
    assert slurm.has_offers() is False
    assert slurm.owned_offers() == ()


def test_a_cluster_is_an_alias_or_an_address_with_what_jobs_need_there(home: Path) -> None:
    key = home / "key"
    key.touch()
    write(
        home,
        """
lab:
  host: login.lab
campus:
  host:
    ip: 10.0.0.7
    user: ada
    identity_file: ~/key
    port: 2222
    proxy_jump: ada@gate
  account: vision
  qos: high
  partitions: [gpu, debug]
  price: 2.5
  time: 2-00:00:00
  wait: 0.5
""",
    )
    lab, campus = slurm_file.read().values()
    assert lab == SlurmCluster("lab", Address("login.lab"))
    assert campus == SlurmCluster(
        "campus",
        Address("10.0.0.7", 2222, "ada", str(key), "ada@gate"),
        account="vision",
        qos="high",
        partitions=("gpu", "debug"),
        price_micro_usd=2_500_000,
        time_minutes=2_880,
        wait_s=30,
    )


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("- login.lab\n", ":1:1", "is a mapping of Slurm clusters, for example"),
        ("lab: login.lab\n", ":1:1", "must be a mapping"),
        ("lab:\n  account: x\n", ":1:1", "lab.host: needs the login node's address"),
        ("lab:\n  hosts: [a]\n", ":2:3", "Did you mean 'host'"),
        ("lab:\n  host: {user: ada}\n", ":2:3", "lab.host.ip: needs the login node's address"),
        ("lab:\n  host: {ip: a, password: b}\n", ":2:17", "name an identity_file instead"),
        ("lab:\n  host: {ip: a, identity_file: /none}\n", ":2:17", "/none is not a file"),
        ("lab:\n  host: a\n  price: -1\n", ":3:3", "lab.price: must be 0 or more"),
        ("lab:\n  host: a\n  wait: -1\n", ":3:3", "lab.wait: must be 0 or more"),
        ("lab:\n  host: a\n  time: soon\n", ":3:3", "lab.time: must be minutes, or days-hours"),
        ("lab:\n  host: a\n  time: 0\n", ":3:3", "lab.time: must be minutes, or days-hours"),
        ("lab:\n  host: a\n  account: a b\n", ":3:3", "lab.account: is one name without spaces"),
        (
            "lab:\n  host: a\n  partitions: [gpu, 7]\n",
            ":3:21",
            "lab.partitions[1]: is the name of a partition",
        ),
        ("a/b:\n  host: a\n", ":1:1", "a Slurm cluster's name is letters"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_what_to_write(
    home: Path, text: str, place: str, said: str
) -> None:
    path = write(home, text)
    with pytest.raises(SpecError) as caught:
        slurm_file.read()
    assert said in str(caught.value)
    assert f"{path}{place}" in str(caught.value)
