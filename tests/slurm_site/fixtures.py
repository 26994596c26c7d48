"""What tests use of the Slurm site: ``slurm_site``, named ``site`` in a file of the test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from executors.slurm import clusters, offers
from sky.control import slurm_file
from tests.hosts import ability
from tests.hosts.hosts import Hosts
from tests.slurm_site.site import USER, Site


@pytest.fixture(scope="session")
def built_slurm_site() -> Iterator[Site]:
    """The site of this session."""
    if reason := ability.why_not("slurm"):
        pytest.skip(f"not run, needs slurm: {reason}")
    with Hosts.create() as hosts:
        yield Site.build(hosts)


@pytest.fixture
def slurm_site(built_slurm_site: Site, home: Path) -> Iterator[Site]:
    """The site, known to this test alone; no job is left there after it."""
    site = built_slurm_site
    (home / ".ssh").mkdir(mode=0o700)
    shutil.copy(site.login.known_hosts, home / ".ssh" / "known_hosts")
    site.name_it({"price": 8})
    clusters.read_with(slurm_file.read)
    offers.shares.forget()
    yield site
    site.end_jobs()
    shutil.rmtree(site.home / ".sky_slurm", ignore_errors=True)
    assert sorted(each.name for each in site.home.iterdir()) == [".ssh"], f"left in the home of {USER}"
