"""The host key of a cluster's machines: made here before they are, so that even the first login knows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from catalog.errors import UserError
from executors.transports.key_pair import KeyPair, new_key_pair
from executors.transports.ssh_files import ssh_folder, write_private

_CLUSTER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


def host_key(cluster_id: str) -> KeyPair:
    """Return the cluster's key, the same each time until ``forget``: a repeated create then sends the same.

    It is kept in ``SKY_HOME/ssh/host_keys`` (mode 0600) and is a secret of the machines and of this user.
    """
    from filelock import FileLock

    path = _path(cluster_id)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with FileLock(path.parent / ".lock", mode=0o600):
        if not path.exists():
            pair = new_key_pair()
            write_private(path, json.dumps({"private": pair.private, "public": pair.public}))
        return KeyPair(**json.loads(path.read_text("ascii")))


def forget(cluster_id: str) -> None:
    """Remove the cluster's key from this machine; gone already is success."""
    _path(cluster_id).unlink(missing_ok=True)


def _path(cluster_id: str) -> Path:
    if not _CLUSTER_ID.fullmatch(cluster_id):
        raise UserError(f"cluster id {cluster_id!r} must be letters, digits, '.', '_' and '-', at most 200")
    return ssh_folder() / "host_keys" / f"{cluster_id}.json"
