"""Keys that are made once: the user's for all machines, the host's for a cluster."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog.errors import UserError
from executors.vm.client_key import client_key
from executors.vm.host_key import forget, host_key

pytestmark = pytest.mark.needs("ssh")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_client_key_is_made_once_whoever_asks_first(home: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        keys = set(threads.map(lambda _: client_key(), range(4)))
    (key,) = keys
    assert key.path.is_relative_to(home)
    assert (mode(key.path), mode(key.path.parent)) == (0o600, 0o700)
    assert key.public.startswith("ssh-ed25519 ")
    assert "PRIVATE KEY" in key.path.read_text()


def test_a_cluster_keeps_its_host_key_until_it_is_forgotten(home: Path) -> None:
    first = host_key("dev-1")
    assert host_key("dev-1") == first
    assert host_key("dev-2") != first
    assert {mode(path) for path in (home / ".sky/ssh/host_keys").iterdir()} == {0o600}
    forget("dev-1")
    forget("dev-1")
    assert host_key("dev-1") != first


def test_the_private_key_is_in_no_repr() -> None:
    assert "PRIVATE" not in repr(host_key("dev-1"))


def test_a_cluster_id_is_no_path() -> None:
    with pytest.raises(UserError, match="letters, digits"):
        host_key("../client_key")
