"""Which hosts a creation from here has touched: written before the first of them is, so none is forgotten.

A claim is one JSON file (mode 0600) in ``SKY_HOME/ssh/claims``, named by the cluster id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from catalog.errors import UserError
from catalog.home import sky_home
from executors.ssh.pools import write_private
from executors.transports.address import Address, parse_nodes, write_nodes

_CLUSTER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


def claim(cluster_id: str, addresses: Sequence[Address]) -> None:
    """Note that the cluster may hold the hosts at ``addresses``, and no others; none ends the claim."""
    if not addresses:
        disclaim(cluster_id)
    elif list(addresses) != claimed(cluster_id):
        write_private(_path(cluster_id), write_nodes(addresses))


def cluster_ids() -> list[str]:
    """Return the clusters that have a claim from here, sorted."""
    try:
        return sorted(path.stem for path in _folder().iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return []


def claimed(cluster_id: str) -> list[Address]:
    """Return the hosts that the cluster may hold; none for one that nothing was claimed for from here."""
    try:
        return list(parse_nodes(_path(cluster_id).read_text("utf-8")))
    except FileNotFoundError:
        return []


def disclaim(cluster_id: str) -> None:
    """Forget the claim: the cluster holds no host any more."""
    _path(cluster_id).unlink(missing_ok=True)


def _path(cluster_id: str) -> Path:
    if not _CLUSTER_ID.fullmatch(cluster_id):
        raise UserError(f"cluster id {cluster_id!r} must be letters, digits, '.', '_' and '-', at most 200")
    return _folder() / f"{cluster_id}.json"


def _folder() -> Path:
    return sky_home() / "ssh" / "claims"
