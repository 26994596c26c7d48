"""What a node runs to stop its own cluster, against the API and a metadata server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from executors.api import Handle, NodeState
from executors.gcp.provisioner import GcpProvisioner
from tests.clouds.gce import faults
from tests.clouds.gce.gce import Gce
from tests.clouds.gce.metadata import MetadataHandler
from tests.executors.gcp.conftest import order


@pytest.fixture
def metadata(gce: Gce, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The metadata server of the cluster's head."""
    name = "sky-dev-0a1b2c3d-aa9e4c24aeaa-0"
    handler = type("Handler", (MetadataHandler,), {"name": lambda _: name, "token": lambda _: gce.token()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.server_port}")
        yield
        server.shutdown()


def run(provisioner: GcpProvisioner, handle: Handle, verb: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, *provisioner.self_commands(handle)[verb][1:]]
    return subprocess.run(argv, env=dict(os.environ), capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("metadata")
def test_a_node_stops_all_of_its_cluster_itself_last(provisioner: GcpProvisioner, gce: Gce) -> None:
    handle, other = provisioner.create(order(num_nodes=3)), provisioner.create(order("other-0a1b2c3d"))
    gce.set(page_size=1)
    gce.fail(faults.broken("instances.stop", times=1))
    assert run(provisioner, handle, "stop").returncode == 0
    assert provisioner.describe(handle).state is NodeState.STOPPED
    assert provisioner.describe(other).state is NodeState.RUNNING
    stopped = [call["instance"].rpartition("-")[2] for call in gce.calls("instances.stop")]
    assert (stopped[-1], set(stopped)) == ("0", {"0", "1", "2"})


@pytest.mark.usefixtures("metadata")
def test_a_node_takes_its_cluster_down_with_its_rules(provisioner: GcpProvisioner, gce: Gce) -> None:
    handle = provisioner.create(order(num_nodes=2, ports=("80",)))
    assert run(provisioner, handle, "down").returncode == 0
    provisioner.delete(handle)
    assert (gce.instances(), provisioner.list()) == ([], [])
    assert len(gce.calls("firewalls.delete")) == 3


@pytest.mark.usefixtures("metadata")
def test_a_refusal_is_told(provisioner: GcpProvisioner, gce: Gce) -> None:
    handle = provisioner.create(order())
    gce.fail(faults.forbidden("instances.stop", "compute.instances.stop"))
    done = run(provisioner, handle, "stop")
    assert done.returncode == 1
    assert "compute.instances.stop" in done.stderr
