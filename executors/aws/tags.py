"""The tags that everything of a cluster carries; they alone say what belongs to it."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping, Sequence

from catalog.errors import UserError
from executors.api import NodeRequest

CLUSTER_ID = "sky-cluster-id"
CLUSTER_NAME = "sky-cluster-name"
NUM_NODES = "sky-num-nodes"
GENERATION = "sky-generation"
HOST_KEY = "sky-host-key"
USER = "sky-user"
_OURS, _RESERVED = "sky-", "aws:"

Tags = list[dict[str, str]]


def of_cluster(request: NodeRequest) -> dict[str, str]:
    """Return the tags of all that is made for ``request``, its labels too."""
    return {
        **request.labels,
        "Name": request.cluster_name,
        CLUSTER_ID: request.cluster_id,
        CLUSTER_NAME: request.cluster_name,
        NUM_NODES: str(request.num_nodes),
        USER: user(),
    }


def of_copy(cluster_id: str, source: str) -> dict[str, str]:
    """Return the tags of a copy of the disk of cluster ``source``, which belongs to ``cluster_id``."""
    return {"Name": f"disk of {source}", CLUSTER_ID: cluster_id, CLUSTER_NAME: source, USER: user()}


def check_labels(labels: Iterable[str]) -> None:
    """Raise ``UserError`` for a label that AWS or we keep for ourselves."""
    for label in labels:
        if label.startswith((_OURS, _RESERVED)) or label == "Name":
            raise UserError(
                f"label {label!r} cannot be used on AWS: 'Name', 'aws:...' and 'sky-...' are taken"
            )


def user() -> str:
    """Return whom clusters made from here belong to."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def written(tags: Mapping[str, str]) -> Tags:
    """Return tags as AWS takes them."""
    return [{"Key": name, "Value": value} for name, value in sorted(tags.items())]


def read(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return tags as AWS gives them."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def specification(kinds: Sequence[str], tags: Mapping[str, str]) -> list[dict[str, object]]:
    """Return the tags for resources of several kinds that one call makes."""
    return [{"ResourceType": kind, "Tags": written(tags)} for kind in kinds]


def filters(cluster_id: str = "") -> list[dict[str, object]]:
    """Return what finds the resources of one cluster, of all clusters of this user where none is named."""
    if cluster_id:
        return [{"Name": f"tag:{CLUSTER_ID}", "Values": [cluster_id]}]
    return [{"Name": "tag-key", "Values": [CLUSTER_ID]}, {"Name": f"tag:{USER}", "Values": [user()]}]
