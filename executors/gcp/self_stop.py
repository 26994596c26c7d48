"""What a node runs to stop its cluster, or to delete it: all instances with the cluster's label, itself last.

It is text to the client, which hands it to the node's Python (3.8 or newer, nothing else installed):
``python3 -I -c TEXT stop|down ENDPOINT PROJECT TAG``, and ``TPU-ENDPOINT ZONE`` after it for TPU VMs. The
metadata server gives the token, of the service account that the instance has. https://cloud.google.com/compute/docs/metadata/querying-metadata
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

_METADATA = "http://{}/computeMetadata/v1/instance/".format(
    os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
)
_LIMIT_S = 60
_TRIES = 5
_PAUSE_S = 2.0


class Project:
    """One project of a service whose addresses begin with ``endpoint``, asked with the node's own token."""

    def __init__(self, endpoint: str, project: str) -> None:
        self._base = f"{endpoint}projects/{project}/"
        self._token = json.loads(_metadata("service-accounts/default/token"))["access_token"]

    def call(self, method: str, path: str, **query: str) -> dict[str, Any]:
        """Return the answer."""
        return _ask(method, self._base + path + "?" + urllib.parse.urlencode(query), self._token)

    def pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Yield every page of a list."""
        page = self.call("GET", path, **query)
        yield page
        while page.get("nextPageToken"):
            page = self.call("GET", path, **query, pageToken=page["nextPageToken"])
            yield page


def main(verb: str, endpoint: str, project: str, tag: str, *tpus: str) -> None:
    """Stop the instances with label ``tag``, or delete them and the cluster's firewall rules."""
    compute = Project(endpoint, project)
    if verb == "down":
        for page in compute.pages("global/firewalls", filter=f"name eq sky-{tag}-.*"):
            for rule in page.get("items", []):
                compute.call("DELETE", "global/firewalls/" + rule["name"])
    if tpus:
        end_tpus(verb, Project(tpus[0], project), tpus[1], tag)
    else:
        end_instances(verb, compute, tag)


def end_instances(verb: str, compute: Project, tag: str) -> None:
    """Stop or delete the instances, this one last."""
    here = _metadata("name")
    pages = compute.pages("aggregated/instances", filter=f"labels.sky-cluster={tag}")
    places = [place for page in pages for place in page.get("items", {}).values()]
    found = [instance for place in places for instance in place.get("instances", [])]
    for instance in sorted(found, key=lambda each: each["name"] == here):
        path = "zones/{}/instances/{}".format(instance["zone"].rpartition("/")[2], instance["name"])
        if verb == "down":
            compute.call("DELETE", path)
        elif instance["status"] not in {"STOPPING", "TERMINATED"}:
            scratch = any(disk.get("type") == "SCRATCH" for disk in instance.get("disks", []))
            compute.call("POST", path + "/stop", **({"discardLocalSsd": "true"} if scratch else {}))


def end_tpus(verb: str, service: Project, zone: str, tag: str) -> None:
    """Stop or delete the TPU VMs of the zone, this one last."""
    here = _metadata("network-interfaces/0/ip")
    nodes = [node for page in service.pages(f"locations/{zone}/nodes") for node in page.get("nodes", [])]
    found = [node for node in nodes if node.get("labels", {}).get("sky-cluster") == tag]

    def is_this_one(node: dict[str, Any]) -> bool:
        return here in [endpoint["ipAddress"] for endpoint in node.get("networkEndpoints", [])]

    for node in sorted(found, key=is_this_one):
        path = node["name"].split("/", 2)[2]
        if verb == "down":
            service.call("DELETE", path)
        elif node["state"] not in {"STOPPING", "STOPPED"}:
            service.call("POST", path + ":stop")


def _metadata(path: str) -> str:
    request = urllib.request.Request(_METADATA + path, headers={"Metadata-Flavor": "Google"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_LIMIT_S) as answer:  # noqa: S310
        return str(answer.read().decode())


def _ask(method: str, url: str, token: str) -> dict[str, Any]:
    """Return the answer; gone already is success, and what may pass is asked again."""
    request = urllib.request.Request(url, method=method, headers={"Authorization": "Bearer " + token})  # noqa: S310
    for left in reversed(range(_TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=_LIMIT_S) as answer:  # noqa: S310
                return dict(json.loads(answer.read()))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            if left == 0 or not (error.code == 429 or error.code >= 500):
                raise SystemExit(f"{method} {url}: HTTP {error.code}: {error.read().decode()}") from error
        except OSError as error:
            if left == 0:
                raise SystemExit(f"{method} {url}: {error}") from error
        time.sleep(_PAUSE_S)
    raise AssertionError


if __name__ == "__main__":
    main(*sys.argv[1:])
