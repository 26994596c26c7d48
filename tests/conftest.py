"""Settings that every test shares: hypothesis profiles, signals, and a home of its own for each test."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.hosts.fixtures",
    "tests.executors.ssh.lab",
    "tests.clouds.fixtures",
    "tests.clouds.gce.fixtures",
    "tests.containers.fixtures",
    "tests.k8s.fixtures",
    "tests.slurm_site.fixtures",
]

_SLOW_INPUT = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=200,
    deadline=None,
    print_blob=True,
    suppress_health_check=_SLOW_INPUT,
)
settings.register_profile(
    "dev", max_examples=50, deadline=None, print_blob=True, suppress_health_check=_SLOW_INPUT
)
settings.register_profile(
    "nightly", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=_SLOW_INPUT
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Hundreds of tests start Python, and where no bytecode is kept each start compiles all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell starts its background jobs with Ctrl-C ignored, and children would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, for this process and its children; the developer's own is never touched.

    Nor are the developer's clouds, or those of the test before: nothing leads to them. The terminal's width
    is not there either, which readline leaves to the workers of a run on several cores.
    """
    monkeypatch.delenv("COLUMNS", raising=False)
    if aws := sys.modules.get("executors.aws.session"):
        aws._client.cache_clear()
        aws._session.cache_clear()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("SKY_HOME", str(folder / ".sky"))
    return folder
