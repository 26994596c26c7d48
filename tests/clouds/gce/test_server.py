"""The make-believe Compute Engine refuses what Google's description, or Google itself, refuses."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import requests

from executors.gcp import instances
from executors.gcp.rest import Rest
from tests.clouds.gce.gce import PROJECT, Gce
from tests.executors.gcp.conftest import offer, order

Json = dict[str, Any]
Change = Callable[[Json], object]
PLACE = "zones/us-east1-b/instances"


@pytest.fixture
def ask(gce: Gce) -> Callable[..., requests.Response]:
    session = Rest.open()._session

    def ask(method: str, path: str, **fields: Any) -> requests.Response:
        answer: requests.Response = session.request(
            method, f"{gce.url}/compute/v1/projects/{PROJECT}/{path}", **fields
        )
        return answer

    return ask


def body(instance_type: str = "e2-small", accelerator: str = "", count: int = 0) -> Json:
    request = order(offer=offer(instance_type, accelerator=accelerator, count=count))
    return deepcopy(dict(instances.wanted(request, "us-east1-b", 0, "#cloud-config")))


def disk(order: Json) -> Json:
    found: Json = order["disks"][0]["initializeParams"]
    return found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda it: it.update(name="Upper"), "resource.name"),
        (lambda it: it.update(labelz={}), 'Unknown name "labelz"'),
        (lambda it: it["scheduling"].update(provisioningModel="CHEAP"), "TYPE_ENUM"),
        (lambda it: it["scheduling"].update(automaticRestart="yes"), "TYPE_BOOL"),
        (lambda it: it["labels"].update(team="A"), "resource.labels"),
        (lambda it: it["metadata"]["items"].append({"key": "user-data", "value": ""}), "Duplicate metadata"),
        (lambda it: it["metadata"]["items"].append({"key": "k"}), "not specified"),
        (lambda it: it.update(machineType="zones/us-east1-c/machineTypes/e2-small"), "resource.machineType"),
        (lambda it: it.update(machineType="zones/us-east1-b/machineTypes/q9-small"), "does not exist"),
        (lambda it: it.update(disks=[]), "boot disk"),
        (lambda it: disk(it).update(sourceImage="projects/x/global/images/y"), "was not found"),
        (lambda it: disk(it).update(diskSizeGb="1"), "smaller than the image"),
        (lambda it: disk(it).update(diskType="zones/us-east1-b/diskTypes/hyperdisk-balanced"), "compatible"),
        (lambda it: it["networkInterfaces"][0].update(network="global/networks/mine"), "was not found"),
        (lambda it: it["scheduling"].update(instanceTerminationAction="STOP"), "SPOT"),
    ],
)
def test_an_order_that_google_would_not_take(
    ask: Callable[..., requests.Response], gce: Gce, change: Change, words: str
) -> None:
    wanted = body()
    change(wanted)
    answer = ask("POST", PLACE, json=wanted)
    assert answer.status_code in {400, 404}
    assert words in answer.json()["error"]["message"]
    assert gce.instances() == []


def test_gpus_do_not_move_and_need_their_hosts(ask: Callable[..., requests.Response]) -> None:
    moving = body("n1-standard-8", "T4", 1)
    moving["scheduling"]["onHostMaintenance"] = "MIGRATE"
    elsewhere = body("n1-standard-8", "T4", 1)
    elsewhere["machineType"] = "zones/us-east1-b/machineTypes/e2-small"
    assert [ask("POST", PLACE, json=each).status_code for each in (moving, elsewhere)] == [400, 400]


def test_parameters_routes_and_tokens_are_checked(ask: Callable[..., requests.Response], gce: Gce) -> None:
    assert "Unknown name" in ask("GET", PLACE, params={"colour": "red"}).text
    assert "filter" in ask("GET", PLACE, params={"filter": "name ~ x"}).text
    assert "combine" in ask("GET", PLACE, params={"filter": "(name eq x.*) (status = RUNNING)"}).text
    assert "UUID" in ask("POST", PLACE, params={"requestId": "1"}, json=body()).text
    assert ask("GET", "zones/mars-a/instances").status_code == 404
    assert ask("PUT", PLACE).status_code in {404, 501}
    url = f"{gce.url}/compute/v1/projects/{PROJECT}/{PLACE}"
    assert requests.get(url, timeout=10).status_code == 401
    forged = {"Authorization": "Bearer forged"}
    assert requests.get(url, timeout=10, headers=forged).status_code == 401


def test_the_same_request_is_done_once_and_the_same_name_is_taken(
    ask: Callable[..., requests.Response], gce: Gce
) -> None:
    once = {"requestId": "6f1e4a1e-6a53-4d0e-8f0e-2d1f3b0c9a55"}
    first, again = (ask("POST", PLACE, params=once, json=body()).json() for _ in range(2))
    assert first["name"] == again["name"]
    assert ask("POST", PLACE, json=body()).status_code == 409
    assert len(gce.instances()) == 1
