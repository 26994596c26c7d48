"""Pods that run: the transport over the API's exec, and a cluster from launch to down on the command line."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from catalog.errors import UserError
from executors import kubernetes, lifecycle
from executors.agent_queue import AgentQueue
from executors.api import Autostop, Handle, NodeRequest, NodeState
from executors.errors import HostUnreachable, NotFound, Transient, Unsupported
from executors.job import Demand, JobSpec
from executors.kubernetes.pods import SERVICE_ACCOUNT
from executors.kubernetes.transport import PodTransport
from tests.integration.command import sky
from tests.k8s.fixtures import AUTODOWN, IN_NAMESPACE, NODES, Cluster
from tests.k8s.kubelet import Node

pytestmark = pytest.mark.needs("kubernetes")

EXECUTOR = kubernetes.executor()


@pytest.fixture
def create(k8s: Cluster) -> Iterator[Callable[..., Handle]]:
    made: list[Handle] = []

    def one(part: str = "001cpu", num_nodes: int = 1, **fields: object) -> Handle:
        request = NodeRequest("c-1", "c", k8s.offer(part), num_nodes, **fields)  # type: ignore[arg-type]
        made.append(Handle("kubernetes", "c-1", "c"))
        return EXECUTOR.provisioner.create(request)

    yield one
    for handle in made:
        EXECUTOR.provisioner.delete(handle)


@pytest.fixture
def pod(create: Callable[..., Handle]) -> PodTransport:
    transport = EXECUTOR.connect(create())
    assert isinstance(transport, PodTransport)
    return transport


def wait_for(true: Callable[[], object], limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_commands_have_their_words_input_output_and_exit_code(pod: PodTransport) -> None:
    done = pod.run(
        [
            "sh",
            "-c",
            'printf "%s|" "$@"; basename "$PWD"; cat; echo err >&2; exit 7',
            "sh",
            "a b",
            "'$x",
            "ü",
        ],
        stdin=b"in",
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "a b|'$x|ü|root\nin", "err\n")
    assert pod.run(["sh", "-c", "kill -9 $$"]).returncode == 137
    assert pod.run(["nothing-like-that"]).returncode == 127
    seen = bytearray()
    code = pod.stream(
        ["sh", "-c", 'echo out; echo "$SECRET" >&2; exit 3'], seen.extend, env={"SECRET": "s 'x'"}
    )
    assert (code, bytes(seen)) == (3, b"out\ns 'x'\n")


def test_much_goes_in_and_out_at_once_and_stays_what_it_was(pod: PodTransport) -> None:
    data = os.urandom(3 << 20)
    seen = bytearray()
    assert pod.stream(["cat"], seen.extend, stdin=data) == 0
    assert bytes(seen) == data


def test_leaving_a_command_ends_it_and_what_it_started(pod: PodTransport) -> None:
    def alive(pid: int) -> bool:
        return pod.run(["sh", "-c", f"kill -0 {pid}"]).returncode == 0

    followed = pod.follow(["sh", "-c", "sleep 1000 & echo $! $$; wait"])
    pids = [int(word) for word in next(followed).split()]
    assert all(alive(pid) for pid in pids)
    followed.close()
    assert not any(alive(pid) for pid in pids)
    with pytest.raises(Transient, match=r"within 0\.5 s"):
        pod.run(["sh", "-c", "echo $$ >~/pid; exec sleep 1000"], timeout_s=0.5)
    assert not alive(int(pod.run(["cat", "pid"]).stdout))


def test_closing_the_transport_from_elsewhere_ends_what_runs(pod: PodTransport) -> None:
    errors: list[BaseException] = []
    started = threading.Event()

    def run() -> None:
        try:
            pod.stream(["sh", "-c", "echo $$ >~/pid; echo on; exec sleep 1000"], lambda _: started.set())
        except HostUnreachable as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(30)
    pod.close()
    thread.join(30)
    assert len(errors) == 1
    wait_for(lambda: pod.run(["sh", "-c", "kill -0 $(cat ~/pid)"]).returncode)


def test_files_go_there_and_back(pod: PodTransport, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    (work / "deep" / "data").write_bytes(os.urandom(1 << 20))
    (work / "link").symlink_to("deep/data")
    assert pod.put(work, "~/there", delete=True) == 2
    assert pod.put(work, "~/there", delete=True) == 0
    pod.get("~/there", tmp_path / "back")
    assert (tmp_path / "back" / "link").read_bytes() == (work / "deep" / "data").read_bytes()


def test_a_pod_that_is_gone_says_so(k8s: Cluster, create: Callable[..., Handle]) -> None:
    handle = create()
    k8s.plane.delete("/api/v1/namespaces/default/pods/sky-c-1-0")
    view = EXECUTOR.provisioner.describe(handle)
    assert view.state is NodeState.GONE
    with pytest.raises(NotFound, match="sky-c-1-0"):
        EXECUTOR.connect(handle).run(["true"])


def test_a_pod_that_ended_is_told_with_the_reason_and_made_again(create: Callable[..., Handle]) -> None:
    handle = create()
    with suppress(HostUnreachable):  # it may be gone before it can answer
        EXECUTOR.connect(handle).run(["sh", "-c", "kill 1"])
    wait_for(lambda: EXECUTOR.provisioner.describe(handle).state is NodeState.DEGRADED)
    assert "its pods ended: Completed" in EXECUTOR.provisioner.describe(handle).reason
    again = create()
    assert EXECUTOR.provisioner.describe(again).state is NodeState.RUNNING
    assert create() == again


def test_an_image_that_cannot_be_had_is_said(k8s: Cluster, create: Callable[..., Handle]) -> None:
    k8s.configure({"spec": {"containers": [{"image": "nowhere.invalid/x:1"}]}})
    with pytest.raises(UserError, match=r"the image nowhere\.invalid/x:1 cannot be had there"):
        create()


def test_an_image_without_python_is_said(create: Callable[..., Handle]) -> None:
    EXECUTOR.connect(create()).run(["sh", "-c", "rm -f /usr/bin/python3* /usr/bin/apt-get"])
    with pytest.raises(Unsupported, match=r"the image has no python3.*python:3\.12-slim"):
        create()


def test_a_cluster_serves_from_launch_to_down(k8s: Cluster, tmp_path: Path, real_node: Node) -> None:
    def states() -> list[str]:
        return [job["status"] for job in sky("queue", "kube", "--json").json["kube"]]

    work = tmp_path / "work"
    work.mkdir()
    (work / "data").write_text("from the laptop\n")
    task = tmp_path / "task.yaml"
    task.write_text(
        f"name: t\nworkdir: {work}\nresources:\n  infra: k8s/admin\n  accelerators: A100:1\n"
        "setup: echo ready >setup\nrun: cat data setup; echo $SKYPILOT_NUM_GPUS_PER_NODE on $(hostname)\n"
    )
    launched = sky("launch", "-y", "-c", "kube", str(task))
    (name,) = k8s.plane.names("pods")
    assert launched.out == f"from the laptop\nready\n1 on {name}\n"
    pod = k8s.plane.call("GET", f"/api/v1/namespaces/default/pods/{name}")
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert sky("exec", "kube", "exit 7", code=7).code == 7
    assert sky("logs", "kube", "1").out == launched.out
    sky("exec", "-d", "kube", "echo begun; sleep 1000")
    wait_for(lambda: states() == ["RUNNING", "FAILED", "SUCCEEDED"])
    sky("cancel", "-y", "kube", "3")
    assert states()[0] == "CANCELLED"
    refused = sky("stop", "-y", "kube", code=None)
    assert refused.code
    assert "kubernetes cannot stop a cluster and keep its disk" in refused.err
    refused = sky("autostop", "-y", "kube", "-i", "5", "--down", code=None)
    assert refused.code
    assert f"no service account {SERVICE_ACCOUNT}" in " ".join(refused.err.split())
    sky("down", "-y", "kube")
    assert k8s.plane.names("pods") == []
    assert real_node.containers() == []
    assert sky("status", "--json").json == []


def test_a_cluster_whose_pod_is_gone_is_gone_at_the_next_look(k8s: Cluster) -> None:
    sky("launch", "-y", "-c", "kube", "--infra", "k8s", "--cpus", "1", "true")
    (name,) = k8s.plane.names("pods")
    k8s.plane.delete(f"/api/v1/namespaces/default/pods/{name}")
    assert [each["status"] for each in sky("status", "--json").json] == ["UP"]
    assert sky("status", "--refresh", "--json").json == []


def test_where_the_scheduler_says_no_the_launch_goes_on_elsewhere(k8s: Cluster) -> None:
    """Whoever may not list the pods of others learns from the scheduler alone that nothing is free."""
    a100 = {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"}
    k8s.plane.add_node("gpu-1", a100, {"nvidia.com/gpu": "4"})
    k8s.plane.grant("dev", [NODES, IN_NAMESPACE[1]], user="dev")
    rbac, group = "/apis/rbac.authorization.k8s.io/v1/namespaces/default", "rbac.authorization.k8s.io"
    named = {"metadata": {"name": "dev"}}
    subject = {"apiGroup": group, "kind": "User", "name": "dev"}
    role = {"apiGroup": group, "kind": "Role", "name": "dev"}
    k8s.plane.call("POST", f"{rbac}/roles", {**named, "rules": [IN_NAMESPACE[0]]})
    k8s.plane.call("POST", f"{rbac}/rolebindings", {**named, "roleRef": role, "subjects": [subject]})
    k8s.log_in("dev")
    k8s.configure(provision_timeout=2)
    task = k8s.home / "task.yaml"
    task.write_text(
        "resources:\n  infra: k8s/dev\n  ordered:\n  - accelerators: A100-80GB:2\n  - accelerators: A100:1\n"
        "run: echo ran with $SKYPILOT_NUM_GPUS_PER_NODE\n"
    )
    try:
        with k8s.taken(3):
            done = sky("launch", "-y", "-c", "t", str(task))
        assert "no capacity (" in done.err
        assert done.out == "ran with 1\n"
        sky("down", "-y", "t")
    finally:
        for kind in ("roles", "rolebindings"):
            k8s.plane.delete(f"{rbac}/{kind}/dev")


def test_an_idle_cluster_deletes_itself_where_the_manifest_was_applied(
    k8s: Cluster, create: Callable[..., Handle]
) -> None:
    with k8s.applied(AUTODOWN):
        handle = create(num_nodes=2)
        lifecycle.ensure_agent(EXECUTOR, handle)
        queue = EXECUTOR.queue(handle, EXECUTOR.connect(handle))
        assert isinstance(queue, AgentQueue)
        queue.ensure_agent({"poll_s": 0.2, "seconds_per_idle_minute": 0.1})
        queue.set_autostop(Autostop(1, down=True))
        wait_for(lambda: k8s.plane.names("pods") == [])


def test_two_pods_run_a_job_with_ranks_that_reach_each_other(create: Callable[..., Handle]) -> None:
    handle = create(num_nodes=2)
    lifecycle.ensure_agent(EXECUTOR, handle)
    assert lifecycle.num_nodes(handle) == 2
    queue = EXECUTOR.queue(handle, EXECUTOR.connect(handle))
    script = (
        'echo "$SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES, $(echo "$SKYPILOT_NODE_IPS" | wc -l), $(hostname)"'
    )
    spec = JobSpec("j", (script,), "sky-t", demand=Demand(cpus_milli=100), num_nodes=2)
    output = b"".join(queue.tail(queue.submit(spec))).decode()
    assert sorted(line.partition(") ")[2] for line in output.splitlines()) == [
        "0 of 2, 2, sky-c-1-0",
        "1 of 2, 2, sky-c-1-1",
    ]
