"""Copies that are cut off: nothing half is under its name, and the next one goes on."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog.errors import ExecutorError
from tests.executors.conftest import wait_until
from tests.executors.transports.conftest import Connect, address_of, pin
from tests.hosts.fixtures import TakeMachines
from tests.hosts.machine import Machine

SIZE = 24 << 20


def parts(host: Machine) -> list[Path]:
    """What is under way in the target, under whatever name."""
    return [path for path in (host.home() / "w").rglob("*") if path.is_file() and path.name != "small"]


@pytest.mark.needs("rsync")
def test_a_big_file_that_was_cut_off_is_gone_on_with(
    machines: TakeMachines, connections: Connect, client: str, tmp_path: Path
) -> None:
    (host,) = machines(1)
    pin(host)
    source = tmp_path / "source"
    source.mkdir()
    data = os.urandom(SIZE)
    (source / "big").write_bytes(data)
    (source / "small").write_text("x")
    transport = connections(address_of(host), client)
    transport.run(["true"])
    host.slow("50mbit")
    with ThreadPoolExecutor(1) as pool:
        copying = pool.submit(transport.put, source, "~/w", delete=True)
        wait_until(lambda: any(path.stat().st_size > SIZE // 4 for path in parts(host)), 60)
        transport.close()
        with pytest.raises(ExecutorError):
            copying.result(30)
    host.heal()
    assert not (host.home() / "w" / "big").exists()
    (part,) = parts(host)
    begun = part.stat().st_ino
    assert part.stat().st_size > SIZE // 8
    assert connections(address_of(host), client).put(source, "~/w", delete=True) >= 1
    assert (host.home() / "w" / "big").read_bytes() == data
    assert {path.name for path in (host.home() / "w").iterdir()} == {"big", "small"}
    if client == "asyncssh":
        assert (host.home() / "w" / "big").stat().st_ino == begun


def test_a_full_disk_is_told_and_nothing_half_is_left_under_its_name(
    machines: TakeMachines, connections: Connect, client: str, tmp_path: Path
) -> None:
    (host,) = machines(1)
    pin(host)
    (tmp_path / "big").write_bytes(os.urandom(4 << 20))
    transport = connections(address_of(host), client)
    transport.run(["mkdir", "w"])
    host.fill_disk()
    with pytest.raises(ExecutorError):
        transport.put(tmp_path / "big", "~/w/big")
    assert not (host.home() / "w" / "big").exists()
    host.free_disk()
    transport.put(tmp_path / "big", "~/w/big")
    assert (host.home() / "w" / "big").stat().st_size == 4 << 20
