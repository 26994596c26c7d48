"""The container that a machine runs as a node, in docker itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from executors.agent import presence
from executors.agent_queue import AgentQueue
from executors.container import machine
from executors.container.machine import Container
from executors.docker_login import DockerLogin
from executors.errors import Unsupported
from executors.job import Demand, JobState
from executors.transports.openssh import OpenSshTransport
from tests.containers.fixtures import Image
from tests.executors.conftest import spec, wait_until
from tests.executors.transports.conftest import address_of, pin
from tests.hosts.machine import Machine

pytestmark = pytest.mark.needs("docker", "time")

AGENT = Path(presence.__file__).parent
LOGGED_IN = ["python3", "-c", "from agent import presence; print(presence.logged_in())"]


@pytest.fixture
def way(docker_machine: Machine) -> Iterator[OpenSshTransport]:
    """The way to a machine that has docker and no container yet."""
    pin(docker_machine)
    docker_machine.run(["docker", "rm", "--force", machine.NAME], check=False)
    transport = OpenSshTransport(address_of(docker_machine))
    yield transport
    transport.close()
    transport.disconnect()


def test_the_same_container_is_there_again_with_its_files(
    docker_machine: Machine, way: OpenSshTransport, private_image: Image
) -> None:
    first = machine.run(way, "c-1", private_image.name, (), private_image.login)
    first.enter(way).run(["sh", "-c", "echo kept > kept"])
    docker_machine.run(["docker", "stop", "--time", "3", machine.NAME])
    again = machine.run(way, "c-1", private_image.name, (), None)
    assert again == first
    assert again.enter(way).run(["cat", "kept"]).stdout == "kept\n"
    listed = docker_machine.run(["docker", "ps", "-a", "--format", '{{.Names}} {{.Label "sky-cluster-id"}}'])
    assert listed.stdout == "sky c-1\n"


def test_the_users_options_are_dockers(
    docker_machine: Machine, way: OpenSshTransport, private_image: Image
) -> None:
    options = ("-v", "/etc:/machine", "--env", "GREETING=hello there", "--shm-size=64m")
    container = machine.run(way, "c-1", private_image.name, options, private_image.login)
    asked = container.enter(way).run(["sh", "-c", 'echo "$GREETING" "$(cat /machine/hostname)"'])
    assert asked.stdout == f"hello there {docker_machine.run(['hostname']).stdout}"
    assert Container.read(container.write()) == container
    docker_machine.run(["docker", "rm", "--force", machine.NAME])
    with pytest.raises(Unsupported, match=r"does not start: .*unknown flag: --privilegd"):
        machine.run(way, "c-1", private_image.name, ["--privilegd"], private_image.login)


def test_an_image_that_cannot_be_a_node_leaves_no_container(
    docker_machine: Machine, way: OpenSshTransport
) -> None:
    docker_machine.run(["sh", "-c", "tar -cf - -T /dev/null | docker import - empty"])
    with pytest.raises(Unsupported, match="/bin/sh"):
        machine.run(way, "c-1", "empty", (), DockerLogin("me", "hunter2", "example.com"))
    assert docker_machine.run(["docker", "ps", "-aq"]).stdout == ""


def test_who_enters_the_container_is_seen_there_and_skys_own_commands_are_not(
    docker_machine: Machine, way: OpenSshTransport, private_image: Image
) -> None:
    container = machine.run(way, "c-1", private_image.name, (), private_image.login).enter(way)
    container.put(AGENT, "~/agent", ignore=["__pycache__"])

    def somebody_is_there() -> bool:
        return container.run(LOGGED_IN).stdout == "True\n"

    assert not somebody_is_there()
    docker_machine.run(["docker", "exec", "-d", machine.NAME, "sleep", "600"])
    assert somebody_is_there()
    container.run(["pkill", "-x", "sleep", "--newest"])
    wait_until(lambda: not somebody_is_there(), 30)


def test_the_agent_goes_on_when_docker_or_the_machine_starts_the_container_again(
    docker_machine: Machine, way: OpenSshTransport, private_image: Image
) -> None:
    container = machine.run(way, "c-1", private_image.name, (), private_image.login)
    node = container.enter(way)
    queue = AgentQueue(node, container.python, env=("SKY_TEST=c-1",))
    whole = Demand(cpus_milli=1_000)
    queue.ensure_agent({"capacity": {"cpus_milli": 1_000}, "marker": "SKY_TEST=c-1"})

    def says(file: str) -> bool:
        entered = ["docker", "exec", machine.NAME, "sh", "-c", f"cat ~/{file}"]
        return docker_machine.run(entered, check=False).stdout == "c-1\n"

    scripts = ["sleep 4713", "echo $SKY_TEST > ~/first; sleep 4713", "echo $SKY_TEST > ~/second"]
    jobs = queue.submit_many(
        [spec(script, demand=whole, run_timestamp=f"sky-{at}") for at, script in enumerate(scripts)]
    )
    wait_until(lambda: queue.jobs(jobs[:1])[0].state is JobState.RUNNING)
    docker_machine.run(["docker", "restart", "--time", "3", machine.NAME])
    wait_until(lambda: says("first"), 60)
    docker_machine.crash()
    docker_machine.start()
    docker_machine.wait_ready()
    wait_until(lambda: says("second"), 60)
