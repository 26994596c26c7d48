"""The executors under test: each parameter gives an executor, an offer, and how to tune its agent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from catalog.offer import Market, Offer, OfferKey
from executors import aws, gcp, kubernetes, lifecycle, local, slurm, ssh
from executors.agent import processes
from executors.agent_queue import AgentQueue
from executors.api import Executor, Handle, NodeRequest, Stoppable
from executors.fake import Script
from executors.fake import executor as fake_executor
from executors.job import Demand, JobRecord, JobSpec
from executors.local.bundle import bundle
from executors.slurm.provisioner import hosts_of
from tests.clouds.ec2.cloud import Cloud
from tests.clouds.gce.gce import Gce
from tests.conformance import outside
from tests.executors.ssh.lab import Lab
from tests.k8s.fixtures import Cluster
from tests.slurm_site.site import Site

TINY = Demand(cpus_milli=100)


@dataclass
class Subject:
    """One cluster of the executor under test."""

    executor: Executor
    request: NodeRequest
    handle: Handle

    @property
    def queue(self) -> AgentQueue:
        queue = self.executor.queue(self.handle, self.executor.connect(self.handle))
        assert isinstance(queue, AgentQueue)
        return queue

    def submit(self, run: str, **fields: object) -> int:
        values = {"demand": TINY, "run_timestamp": "sky-t", **fields}
        return self.queue.submit(JobSpec("job", (run,), **values))  # type: ignore[arg-type]

    def finish(self, job_id: int) -> tuple[str, JobRecord]:
        """Read the job's output to its end and return it with its record."""
        output = b"".join(self.queue.tail(job_id)).decode("utf-8", errors="surrogateescape")
        return output, self.queue.jobs([job_id])[0]

    def run(self, run: str, **fields: object) -> tuple[str, JobRecord]:
        return self.finish(self.submit(run, **fields))

    def tune(self, **settings: object) -> None:
        """Change settings of the agent: short minutes, short graces."""
        self.queue.ensure_agent(settings)


Make = Callable[[str, Offer], Subject]


@dataclass
class Place:
    """An executor under test, what one node of it is, and how to see a process on a cluster's head."""

    executor: Executor
    offer: Offer
    alive: Callable[[Handle, int], bool]
    with_gpus: Offer | None = None
    kept: bool = False
    """Whether its machines, which take long to boot, go from one test of a file to the next, wiped."""


def _local(request: pytest.FixtureRequest) -> Place:
    return Place(bundle(request.getfixturevalue("tmp_path") / "clusters"), _here(), _alive_here)


def _fake(request: pytest.FixtureRequest) -> Place:
    root = request.getfixturevalue("tmp_path") / "clusters"
    return Place(fake_executor("cloud", root, Script()), _here(), _alive_here)


def _ssh(request: pytest.FixtureRequest) -> Place:
    lab: Lab = request.getfixturevalue("lab")
    pool = lab.up(2, cpus=2, memory=4)
    return Place(ssh.executor(), pool.offer(), lambda handle, pid: lab.head(handle).alive(pid))


def _slurm(request: pytest.FixtureRequest) -> Place:
    site: Site = request.getfixturevalue("slurm_site")

    def alive(handle: Handle, pid: int) -> bool:
        return site.alive(hosts_of(handle)[0].internal_ip, pid)

    offer, with_gpus = site.offer("cpu", "002cpu-4gb"), site.offer("gpu", "004cpu-8gb-A100x2")
    return Place(slurm.executor(), offer, alive, with_gpus)


def _aws(request: pytest.FixtureRequest) -> Place:
    kept = request.getfixturevalue("keeps_machines")
    cloud: Cloud = request.getfixturevalue("ec2_machines_of_module" if kept else "ec2_machines")
    key = OfferKey("aws", "us-east-1", "us-east-1b", "m5.large", "", 0, Market.ON_DEMAND)

    def alive(_handle: Handle, pid: int) -> bool:
        return any(cloud.machines.machine(each).alive(pid) for each in cloud.machines.ids())

    return Place(aws.executor(), Offer(key, 2_000, 4_096, 0, "x86_64", 96_000), alive, kept=kept)


def _gcp(request: pytest.FixtureRequest) -> Place:
    kept = request.getfixturevalue("keeps_machines")
    server: Gce = request.getfixturevalue("gce_machines_of_module" if kept else "gce_machines")
    key = OfferKey("gcp", "us-central1", "us-central1-a", "e2-small", "", 0, Market.ON_DEMAND)

    def alive(_handle: Handle, pid: int) -> bool:
        assert server.machines is not None
        return any(server.machines.machine(each["id"]).alive(pid) for each in server.instances())

    return Place(gcp.executor(), Offer(key, 2_000, 4_096, 0, "x86_64", 16_753), alive, kept=kept)


def _kubernetes(request: pytest.FixtureRequest) -> Place:
    cluster: Cluster = request.getfixturevalue("k8s_with_autodown")
    offer = replace(cluster.offer("001cpu-"), vcpus_milli=2_000, memory_mib=4_096)  # two fit on its node
    return Place(kubernetes.executor(), offer, cluster.alive, cluster.offer("A100x2"))


def _here() -> Offer:
    return replace(local.offer(), vcpus_milli=2_000, memory_mib=4_096)


def _alive_here(_handle: Handle, pid: int) -> bool:
    return processes.started(pid) is not None


_PLACES = [
    *outside.places(),
    pytest.param(_local, id="local"),
    pytest.param(_fake, id="fake"),
    pytest.param(_ssh, id="ssh", marks=pytest.mark.needs("ssh")),
    pytest.param(_slurm, id="slurm", marks=pytest.mark.needs("slurm")),
    pytest.param(_aws, id="aws", marks=pytest.mark.needs("namespaces")),
    pytest.param(_gcp, id="gcp", marks=pytest.mark.needs("namespaces")),
    pytest.param(_kubernetes, id="kubernetes", marks=pytest.mark.needs("kubernetes")),
]


@pytest.fixture
def keeps_machines() -> bool:
    """Whether the file's tests share the machines of a cloud; a file that may do so says so itself."""
    return False


@pytest.fixture(scope="module")
def home_of_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the keys are of the machines that a file's tests share."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(params=_PLACES)
def place(
    request: pytest.FixtureRequest, tmp_path: Path, home_of_module: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    monkeypatch.setenv("SKY_HOME", str(tmp_path / "sky"))
    made: Place = request.param(request)
    if made.kept:
        monkeypatch.setenv("SKY_HOME", str(home_of_module / "sky"))
    return made


@pytest.fixture
def stoppable(place: Place) -> None:
    """Leave a test out where clusters cannot be stopped."""
    if not isinstance(place.executor.provisioner, Stoppable):
        pytest.skip(f"{place.executor.name} cannot stop a cluster and keep its disk")


@pytest.fixture
def executor(place: Place) -> Executor:
    return place.executor


@pytest.fixture
def offer(place: Place) -> Offer:
    return place.offer


@pytest.fixture
def make(place: Place, executor: Executor) -> Iterator[Make]:
    """Bring up clusters and remove them, with every process of theirs, at the end.

    Of machines that are kept, all is removed that is on them: the next test finds them as they were made.
    """
    handles: list[Handle] = []

    def make_one(cluster_id: str, offer: Offer) -> Subject:
        request = NodeRequest(cluster_id, f"{cluster_id}-name", offer)
        handle = lifecycle.bring_up(executor, request)
        handles.append(handle)
        return Subject(executor, request, handle)

    yield make_one
    for handle in handles:
        if place.kept:
            _wipe(executor, handle)
        else:
            lifecycle.tear_down(executor, handle)


def _wipe(executor: Executor, handle: Handle) -> None:
    """End all that runs on the cluster's machine, and leave in its home what was there at its first login."""
    with lifecycle.connected(executor, handle) as transport:
        executor.queue(handle, transport).stop_agent()  # type: ignore[attr-defined]
        script = "find ~ -mindepth 1 -maxdepth 1 ! -name .ssh -exec rm -rf {} + && cp -r /etc/skel/. ~"
        assert transport.run(["sh", "-c", script]).returncode == 0


@pytest.fixture
def subject(make: Make, offer: Offer) -> Subject:
    made = make("c-1", offer)
    made.tune(cancel_grace_s=0.3, poll_s=0.2)
    return made


def lines(text: str) -> dict[str, str]:
    """Return ``NAME=value`` lines (values as JSON strings) as a mapping."""
    return {name: json.loads(value) for name, _, value in (line.partition("=") for line in text.splitlines())}
