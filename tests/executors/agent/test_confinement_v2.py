"""The same tests of confinement on a kernel that has control groups of version 2 alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.hosts import kernel

TESTS = Path(__file__).with_name("test_confinement.py")


@pytest.mark.needs("kernel", "time")
def test_jobs_are_confined_by_version_2(tmp_path: Path) -> None:
    root = TESTS.parents[3]
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(root),
        str(TESTS),
    ]
    env = [
        f"PYTHONPATH={root}",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        "PYTHONDONTWRITEBYTECODE=1",
    ]
    code, output = kernel.in_another(argv, tmp_path, env)
    assert code == 0, output
    assert "skipped" not in output
