"""Two clients launch one cluster name at once: one set of machines, also where the first is killed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sky.control.state import open_store
from tests.executors.conftest import wait_until
from tests.integration.killed.conftest import CLOUDS, KUBERNETES
from tests.integration.killed.site import Site
from tests.integration.killed.test_after_any_call import FEW

EVERYWHERE = [*CLOUDS, KUBERNETES]


def launching(site: Site) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "sky", *site.words("launch")]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.needs("time")
@pytest.mark.parametrize("site", EVERYWHERE, indirect=True)
def test_the_second_waits_and_uses_what_the_first_made(site: Site) -> None:
    clients = [launching(site) for _ in range(2)]
    told = [client.communicate(timeout=240)[1] for client in clients]
    assert [client.returncode for client in clients] == [0, 0], told
    assert sum("Waiting for another command on cluster dev" in each for each in told) == 1
    site.assert_agreed()
    site.reach(None)


@pytest.mark.parametrize("site", EVERYWHERE, indirect=True)
def test_the_second_starts_afresh_when_the_first_is_killed(site: Site) -> None:
    first = site.doomed("launch", FEW[site.name]["launch"])
    wait_until(lambda: open_store().records())
    second = launching(site)
    told = second.communicate(timeout=240)[1]
    first.communicate(timeout=240)
    assert (first.returncode, second.returncode) == (-9, 0), told
    site.assert_agreed()
    site.reach(None)
