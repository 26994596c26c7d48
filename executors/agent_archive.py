"""The agent packed into one file that any Python from 3.8 on can run, named by the hash of its content."""

from __future__ import annotations

import functools
import hashlib
import py_compile
import shutil
import sys
import tempfile
import zipapp
from pathlib import Path

from catalog.home import sky_home

_SOURCE = Path(__file__).parent / "agent"
_PACKAGE = "sky_agent"


@functools.cache
def agent_version() -> str:
    """Return the name, without suffix, that this release's agent file bears: ``agent-<hash>``."""
    digest = hashlib.sha256()
    for source in sorted(_SOURCE.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return f"agent-{digest.hexdigest()[:16]}"


def agent_archive() -> Path:
    """Return the path of the packed agent, made on first use and kept under ``SKY_HOME/cache``.

    It holds the source, and byte code that a node with this interpreter's version starts from faster.
    """
    target = sky_home() / "cache" / f"{agent_version()}.{sys.implementation.cache_tag}.pyz"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            package = Path(scratch, "source", _PACKAGE)
            shutil.copytree(_SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
            for source in package.glob("*.py"):
                py_compile.compile(
                    str(source),
                    cfile=str(source.with_suffix(".pyc")),
                    dfile=f"{_PACKAGE}/{source.name}",
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )
            packed = Path(scratch, target.name)
            zipapp.create_archive(package.parent, packed, main=f"{_PACKAGE}.cli:main", compressed=True)
            packed.replace(target)
    return target
