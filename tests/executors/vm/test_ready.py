"""Machines that run are waited for until they let us in, and must show the key that was made for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from executors.api import Completed
from executors.errors import HostUnreachable
from executors.fanout import NodesFailed
from executors.transports import host_keys, ssh
from executors.transports.address import Address
from executors.vm.ready import unpin, wait_until_ready
from tests.hosts.fixtures import TakeHosts
from tests.hosts.host import Host


def address(host: Host) -> Address:
    return Address(host.ip, host.port, host.user, str(host.identity_file))


def run(node: Address) -> Completed:
    transport = ssh.connect(node)
    try:
        return transport.run(["echo", "in"])
    finally:
        transport.close()


def test_a_machine_that_boots_is_waited_for(hosts: TakeHosts) -> None:
    (host,) = hosts(1)
    host.kill()
    node = address(host)
    wait_until_ready([node], host.host_public_key, check=host.start)
    assert run(node).stdout == "in\n"
    unpin([node], host.host_public_key)
    assert host_keys.pinned(node) == ()


def test_who_has_the_address_of_another_machine_is_not_taken_for_it(hosts: TakeHosts) -> None:
    first, second = hosts(2)
    with pytest.raises(HostUnreachable, match="HAS CHANGED") as caught:
        wait_until_ready([address(second)], first.host_public_key, limit_s=0)
    assert caught.value.host == second.ip


def test_every_node_that_does_not_let_us_in_is_named(hosts: TakeHosts) -> None:
    *nodes, other = hosts(3)
    with pytest.raises(NodesFailed, match=r"node 0: .*node 1: "):
        wait_until_ready([address(host) for host in nodes], other.host_public_key, limit_s=0)


def test_news_of_a_lost_machine_end_the_wait(hosts: TakeHosts) -> None:
    (host,) = hosts(1)
    host.kill()

    def lost() -> None:
        raise HostUnreachable("the machine was taken back", host.ip)

    with pytest.raises(HostUnreachable, match="taken back"):
        wait_until_ready([address(host)], host.host_public_key, check=lost)


def test_an_address_that_another_cluster_has_now_keeps_its_pin(hosts: TakeHosts, tmp_path: Path) -> None:
    first, second = hosts(2)
    node = address(first)
    wait_until_ready([node], first.host_public_key)
    unpin([node], second.host_public_key)
    assert [key.line.split()[2] for key in host_keys.pinned(node)] == [first.host_public_key.split()[1]]
