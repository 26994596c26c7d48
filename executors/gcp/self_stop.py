"""What a node runs to stop its cluster, or to delete it: all instances with the cluster's label, itself last.

It is text to the client, which hands it to the node's Python (3.8 or newer, nothing else installed):
``python3 -I -c TEXT stop|down ENDPOINT PROJECT TAG``. The metadata server gives the token, of the service
account that the instance has. https://cloud.google.com/compute/docs/metadata/querying-metadata
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


def main(verb: str, endpoint: str, project: str, tag: str) -> None:
    """Stop the instances with label ``tag``, or delete them and the cluster's firewall rules."""
    here = _metadata("name")
    token = json.loads(_metadata("service-accounts/default/token"))["access_token"]
    base = f"{endpoint}projects/{project}/"

    def call(method: str, path: str, **query: str) -> dict[str, Any]:
        return _ask(method, base + path + "?" + urllib.parse.urlencode(query), token)

    def listed(path: str, condition: str) -> Iterator[dict[str, Any]]:
        page = call("GET", path, filter=condition)
        yield page
        while page.get("nextPageToken"):
            page = call("GET", path, filter=condition, pageToken=page["nextPageToken"])
            yield page

    pages = listed("aggregated/instances", f"labels.sky-cluster={tag}")
    places = [place for page in pages for place in page.get("items", {}).values()]
    found = [instance for place in places for instance in place.get("instances", [])]
    if verb == "down":
        for page in listed("global/firewalls", f"name eq sky-{tag}-.*"):
            for rule in page.get("items", []):
                call("DELETE", "global/firewalls/" + rule["name"])
    for instance in sorted(found, key=lambda each: each["name"] == here):
        path = "zones/{}/instances/{}".format(instance["zone"].rpartition("/")[2], instance["name"])
        if verb == "down":
            call("DELETE", path)
        elif instance["status"] not in {"STOPPING", "TERMINATED"}:
            scratch = any(disk.get("type") == "SCRATCH" for disk in instance.get("disks", []))
            call("POST", path + "/stop", **({"discardLocalSsd": "true"} if scratch else {}))


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
