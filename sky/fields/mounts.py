"""Rules for what is put where on the nodes: workdir, file mounts, storage mounts, inputs and outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from sky import clouds
from sky.exceptions import SpecError

REMOTE_WORKDIR = "~/sky_workdir"
INTERNAL_PREFIX = "skypilot:"

_MOST_GIGABYTES = 1_000_000_000

_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_CLOUD_OF_SCHEME = {"s3:": clouds.AWS, "gs:": clouds.GCP, "cos:": clouds.IBM}


def is_uri(text: str) -> bool:
    """Return whether ``text`` names something in a bucket or on the web rather than on this machine."""
    return _URI.match(text) is not None


def check_workdir(workdir: object) -> str | None:
    """Return ``workdir`` when it is a directory of this machine (or a link to one). Raises ``SpecError``."""
    if workdir is None:
        return None
    if not isinstance(workdir, str):
        raise SpecError(f"must be text, not {workdir!r}", "workdir")
    path = Path(workdir).expanduser()
    if not path.exists():
        raise SpecError(f"{workdir!r} does not exist", "workdir")
    if not path.is_dir():
        raise SpecError(f"{workdir!r} is not a directory", "workdir")
    return workdir


def check_target(target: object, workdir: str | None, field: str = "file_mounts") -> str:
    """Return ``target`` when a node can have something there. Raises ``SpecError``."""
    if not isinstance(target, str) or not target:
        raise SpecError(f"the place on the node must be text, not {target!r}", field)
    if target.endswith("/"):
        raise SpecError("the place on the node must not end with a slash", field, target)
    if is_uri(target):
        raise SpecError("the place on the node is a path, not a URI; swap the two sides", field, target)
    if target == REMOTE_WORKDIR and workdir is not None:
        raise SpecError(f"{REMOTE_WORKDIR} is where the workdir goes; choose another place", field, target)
    return target


def check_file_mounts(mounts: object, workdir: str | None) -> dict[str, str]:
    """Return ``mounts``, {place on the node: path or URI}, when all can be done. Raises ``SpecError``."""
    if not isinstance(mounts, Mapping):
        raise SpecError(f"must be a mapping, not {mounts!r}", "file_mounts")
    for target, source in mounts.items():
        check_target(target, workdir)
        if not isinstance(source, str) or not source:
            raise SpecError(f"the source must be a path or a URI, not {source!r}", "file_mounts", target)
        if source.endswith("/"):
            raise SpecError(f"the source {source!r} must not end with a slash", "file_mounts", target)
        local = not is_uri(source) and not source.startswith(INTERNAL_PREFIX)
        if local and not Path(source).expanduser().exists():
            raise SpecError(f"the source {source!r} does not exist", "file_mounts", target)
    return dict(mounts)


def cloud_of_uri(uri: str | None) -> clouds.Cloud:
    """Return the cloud that holds ``uri``. Raises ``SpecError`` for another scheme than s3, gs and cos."""
    for scheme, cloud in _CLOUD_OF_SCHEME.items():
        if uri is not None and uri.startswith(scheme):
            return cloud()
    raise SpecError(f"{uri!r} is on no cloud; write s3://, gs:// or cos://", "inputs")


def gigabytes(value: object, field: str, uri: str) -> float:
    """Return ``value`` when it is a size in GB. Raises ``SpecError``."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _MOST_GIGABYTES:
        raise SpecError(
            f"the size must be a number of gigabytes, at most {_MOST_GIGABYTES:,}, not {value!r}", field, uri
        )
    return value
