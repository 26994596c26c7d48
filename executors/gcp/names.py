"""What Compute Engine calls the things of a cluster: their names and labels.

Names and label values there are 63 characters of ``[a-z0-9-]`` at most; cluster ids are not. Their tag is
what is legible of the id and a hash of the whole, so that two ids never share one.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress

from catalog.errors import UserError
from executors.gcp.rest import Json

CLUSTER_LABEL, OWNER_LABEL, RANK_LABEL, NODES_LABEL = "sky-cluster", "sky-owner", "sky-rank", "sky-nodes"
PREFIX = "sky-"
_LEGIBLE = 30
_HASH = 12


def tag(text: str) -> str:
    """Return the label value that stands for ``text``; the same each time, and of no other text."""
    legible = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LEGIBLE].strip("-")
    return f"{legible or 'x'}-{hashlib.sha256(text.encode()).hexdigest()[:_HASH]}"


def owner() -> str:
    """Return the label value of this user."""
    try:
        return tag(getpass.getuser())
    except (KeyError, OSError):
        return tag("unknown")


def check(own: Iterable[str]) -> None:
    """Raise ``UserError`` for a label of the user's that would be taken for one of ours."""
    for label in own:
        if label.startswith(PREFIX):
            raise UserError(
                f"label {label!r} cannot be used on gcp: those that begin with {PREFIX!r} are taken"
            )


def node(cluster_id: str, rank: int) -> str:
    """Return the name of the instance of that rank."""
    return f"{PREFIX}{tag(cluster_id)}-{rank}"


def group(cluster_id: str) -> str:
    """Return the network tag of the cluster's instances, which is the beginning of all its names, too."""
    return f"{PREFIX}{tag(cluster_id)}"


def note(cluster_id: str) -> str:
    """Return the description of a thing whose labels, if it can have any, hold no whole cluster id."""
    return json.dumps({"cluster_id": cluster_id, "owner": owner()})


def noted_id(thing: Json) -> str:
    """Return the id of this user's cluster that the thing's description notes; ``""`` for no such note."""
    with suppress(ValueError):
        read = json.loads(thing.get("description", ""))
        if isinstance(read, dict) and read.get("owner") == owner():
            return str(read.get("cluster_id", ""))
    return ""


def labels(cluster_id: str, rank: int, num_nodes: int) -> dict[str, str]:
    """Return the labels by which an instance is found again."""
    return {
        CLUSTER_LABEL: tag(cluster_id),
        OWNER_LABEL: owner(),
        RANK_LABEL: str(rank),
        NODES_LABEL: str(num_nodes),
    }
