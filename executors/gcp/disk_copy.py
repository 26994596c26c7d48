"""The copy of a stopped instance's disk: an image of the project, found again by the label of a cluster's id.

https://cloud.google.com/compute/docs/reference/rest/v1/images
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from catalog.errors import ExecutorError
from executors.errors import NotFound
from executors.gcp import errors, names, operations
from executors.gcp.rest import Json, Rest

_LIMIT_S = 3600.0


def make(rest: Rest, path: str, copy_id: str) -> str:
    """Return the image of the boot disk of the instance at ``path``, which is off, once it can be booted.

    One that is there for ``copy_id`` already is taken. Raises ``Refused`` where the copy fails.
    """
    name = f"{names.group(copy_id)}-disk"
    disks = rest.get(path)["disks"]
    body = {
        "name": name,
        "sourceDisk": next(disk["source"] for disk in disks if disk.get("boot")),
        "labels": {names.CLUSTER_LABEL: names.tag(copy_id), names.OWNER_LABEL: names.owner()},
        "description": names.note(copy_id),
    }
    begin = partial(rest.change, "POST", "global/images", body)
    failed = operations.run_all(rest, [begin], limit_s=_LIMIT_S)
    if failed and not errors.exists_already(failed[0]):
        raise failed[0]
    return f"projects/{rest.project}/global/images/{name}"


def find(rest: Rest, cluster_id: str) -> list[str]:
    """Return the names of the images that carry the id."""
    return [str(image["name"]) for image in _list(rest, names.CLUSTER_LABEL, names.tag(cluster_id))]


def clusters(rest: Rest) -> set[str]:
    """Return the ids that this user's images carry."""
    return {names.noted_id(image) for image in _list(rest, names.OWNER_LABEL, names.owner())} - {""}


def remove(rest: Rest, cluster_id: str) -> list[ExecutorError]:
    """Remove the images, gone already is success; returns what failed."""
    changes = [partial(rest.change, "DELETE", f"global/images/{name}") for name in find(rest, cluster_id)]
    return [each for each in operations.run_all(rest, changes) if not isinstance(each, NotFound)]


def _list(rest: Rest, label: str, value: str) -> Iterator[Json]:
    for page in rest.pages("global/images", filter=f"labels.{label}={value}"):
        yield from page.get("items", [])
