"""Bringing pools up: keys are asked about once, a changed one stops its host alone, and down forgets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog.errors import UserError
from executors import lifecycle, registry, ssh
from executors.api import Handle, NodeRequest
from executors.errors import CleanupIncomplete
from executors.ssh import claims, pools
from executors.ssh.places import pool_names
from executors.transports import host_keys
from executors.transports.address import Address
from executors.transports.host_key import HostKey
from executors.transports.openssh import OpenSshTransport
from sky.control import pool_file
from sky.control.host_pools import HostState, bring_up, release_forgotten, states, take_down
from sky.control.pool_file import entry
from sky.control.records import ClusterRecord
from sky.control.state import open_store
from sky.exceptions import NotSupportedError
from tests.executors.ssh.lab import Lab
from tests.hosts.machine import Machine

pytestmark = pytest.mark.needs("ssh")


def by_host(rows: list[HostState]) -> dict[str, str]:
    return {row.host: row.state for row in rows}


def test_an_unknown_key_is_asked_about_once_with_its_fingerprint(lab: Lab) -> None:
    first, second = lab.take(2)
    lab.write([first, second])
    asked: list[tuple[str, str]] = []

    def trust_first(host: Address, key: HostKey) -> bool:
        asked.append((host.host, key.fingerprint))
        return host.host == first.name

    rows = bring_up(entry("lab"), trust_first)
    assert by_host(rows) == {first.name: "free", second.name: "unusable"}
    assert "did not trust the key" in rows[1].reason
    assert [host for host, _ in asked] == [first.name, second.name]
    assert all(fingerprint.startswith("SHA256:") for _, fingerprint in asked)
    assert by_host(bring_up(entry("lab"), lambda *_: True)) == {first.name: "free", second.name: "free"}
    assert by_host(bring_up(entry("lab"), lambda *_: pytest.fail("asked again"))) == by_host(states("lab"))


def test_the_facts_are_the_hosts_own_unless_the_file_says_otherwise(lab: Lab) -> None:
    (row,) = lab.up(1).rows
    assert row.facts is not None
    assert (row.facts.user, row.facts.rsync) == (lab.hosts[0].host.user, True)
    (row,) = lab.up(cpus=64, accelerators="A100:8", price=2.5).rows
    assert row.facts is not None
    assert (row.facts.cpus_milli, row.facts.accelerator, row.facts.accelerators) == (64_000, "A100", 8)
    assert [host.price_micro_usd for host in pools.load_all()[0].hosts] == [2_500_000]


def test_a_changed_key_stops_that_host_and_no_other(lab: Lab) -> None:
    lab.up(2)
    changed, other = lab.hosts
    address = pools.load_all()[0].hosts[0].address
    transport = OpenSshTransport(address)
    transport.run(["true"])
    (key,) = host_keys.pinned(address)
    (foreign,) = host_keys.pinned(pools.load_all()[0].hosts[1].address)
    host_keys.pin(HostKey(key.host, foreign.kind, foreign.key), replace=True)
    transport.disconnect()
    rows = bring_up(entry("lab"), lambda *_: pytest.fail("a changed key is not asked about"))
    assert by_host(rows) == {changed.name: "unusable", other.name: "free"}
    assert "HAS CHANGED" in rows[0].reason
    assert key.fingerprint in rows[0].reason
    assert by_host(states("lab")) == {changed.name: "unreachable", other.name: "free"}


def test_down_is_refused_while_clusters_are_there_and_then_forgets(lab: Lab) -> None:
    offer = lab.up(1).offer()
    handle = ssh.executor().provisioner.create(NodeRequest("dev-1", "dev", offer))
    assert [(row.state, row.held_by.split(" ")[0]) for row in states("lab")] == [("held", "dev")]
    with pytest.raises(NotSupportedError, match="sky down dev"):
        take_down("lab")
    lifecycle.tear_down(ssh.executor(), handle)
    address = pools.load_all()[0].hosts[0].address
    take_down("lab")
    assert pool_names() == ()
    assert host_keys.pinned(address) == ()
    with pytest.raises(UserError, match="sky ssh up lab"):
        states("lab")


@pytest.mark.needs("namespaces")
def test_what_a_purged_cluster_held_is_released_at_the_next_up(lab: Lab) -> None:
    offer = lab.up(1).offer()
    store = open_store()
    record = store.add(ClusterRecord("dev", "dev-1", "ssh", offer))
    executor = registry.load("ssh")
    executor.provisioner.create(NodeRequest("dev-1", "dev", offer))
    machine = lab.hosts[0].host
    assert isinstance(machine, Machine)
    assert release_forgotten() == []
    machine.partition()
    with pytest.raises(CleanupIncomplete):
        executor.provisioner.delete(Handle("ssh", "dev-1", "dev"))
    store.close(record)
    assert release_forgotten() == []
    machine.heal()
    assert release_forgotten() == ["dev-1"]
    assert (lab.hosts[0].left(), claims.cluster_ids()) == ([], [])


def test_a_host_that_is_listed_under_two_names_is_used_once(lab: Lab) -> None:
    (host,) = lab.take(1)
    lab.write([host])
    config = Path(os.environ["HOME"], ".ssh", "config")
    config.parent.mkdir()
    config.write_text(f"Host box\n  HostName {host.name}\n")
    path = pool_file.path()
    path.write_text(path.read_text().replace("hosts:\n", "hosts:\n  - box\n"))
    rows = bring_up(entry("lab"), lambda *_: True)
    assert by_host(rows) == {"box": "free", host.name: "unusable"}
    assert "the same host as box" in rows[1].reason
    assert [each.name for each in pools.load_all()[0].hosts] == ["box"]
    assert by_host(states("lab")) == {"box": "free"}
