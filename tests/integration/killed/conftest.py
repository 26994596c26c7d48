"""The providers whose commands are killed, and the table of what was tried, at the end of the run."""

from __future__ import annotations

import pytest

from executors.aws.network import own_groups
from executors.gcp import firewall
from executors.gcp.rest import Rest
from executors.kubernetes.pods import CLUSTER_ID
from sky.control import access
from tests.clouds.ec2.cloud import Cloud
from tests.clouds.gce.gce import Gce
from tests.integration.killed.site import Site
from tests.k8s.fixtures import Cluster

PROPERTY = "killed after"
_ACCESS_S = 300.0
CLOUDS = [
    pytest.param("aws", marks=pytest.mark.needs("namespaces")),
    pytest.param("gcp", marks=pytest.mark.needs("namespaces")),
]
KUBERNETES = pytest.param("kubernetes", marks=pytest.mark.needs("kubernetes"))


def _aws(request: pytest.FixtureRequest) -> Site:
    ec2: Cloud = request.getfixturevalue("ec2_machines")
    ec2.timing(unlisted_s=0.3)

    def nodes() -> list[str]:
        live = ec2.instances("pending", "running", "stopping", "stopped")
        assert {each["id"] for each in live} == set(ec2.machines.ids())
        return [each["tags"]["sky-cluster-id"] for each in live]

    place = ("--infra", "aws/us-east-1", "-t", "t3.micro", "--ports", "8080")
    call = "botocore.client:BaseClient._make_api_call"
    return Site("aws", call, place, nodes, lambda: set(own_groups("us-east-1").values()))


def _gcp(request: pytest.FixtureRequest) -> Site:
    gce: Gce = request.getfixturevalue("gce_machines")

    def nodes() -> list[str]:
        notes = [each["metadata"]["items"] for each in gce.instances()]
        return [item["value"] for items in notes for item in items if item["key"] == "sky-cluster-id"]

    place = ("--infra", "gcp/us-central1", "-t", "e2-small", "--ports", "8080")
    call = "executors.gcp.rest:Rest._once"
    return Site("gcp", call, place, nodes, lambda: firewall.clusters(Rest.open()))


def _kubernetes(request: pytest.FixtureRequest) -> Site:
    cluster: Cluster = request.getfixturevalue("k8s")

    def nodes() -> list[str]:
        pods = cluster.plane.call("GET", "/api/v1/namespaces/default/pods")["items"]
        marks = [pod["metadata"] for pod in pods]
        return [each["labels"][CLUSTER_ID] for each in marks if "deletionTimestamp" not in each]

    place = ("--infra", "k8s", "--cpus", "1")
    return Site("kubernetes", "executors.kubernetes.client:Client._open", place, nodes, set)


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Site:
    """The provider that the test names, with credentials that were looked at before."""
    made: Site = {"aws": _aws, "gcp": _gcp, "kubernetes": _kubernetes}[request.param](request)
    answer = access.ask([made.name], _ACCESS_S)[made.name]
    assert answer.enabled, answer.detail
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many calls each command was killed after."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == PROPERTY and report.when == "call":
                terminalreporter.write_line(f"{value}: all clean")
