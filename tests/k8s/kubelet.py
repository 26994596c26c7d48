"""A real node: dockerd and the kubelet, so that pods run on this machine."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.hosts.command import run
from tests.k8s import programs
from tests.k8s.control_plane import ADMIN, SERVICE_IP, ControlPlane

NAME = "real"
IMAGE = "sky-test:1"
"""What pods run: Debian with Python, and Slurm for clusters of several nodes."""
GPUS = 2
"""As many GPUs the node says to have; they are not there."""

_PAUSE = "sky-pause:2"
# One that ends when it is told to, as the real one does: the kubelet waits 10 s for one that does not.
_PAUSE_COMMAND = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 86400 & wait $!; done"]
# Not every root may make a process less likely to be killed when memory runs out, as the kubelet asks for.
_RUNC = """\
#!/bin/bash
words=("$@")
for ((i = 0; i < ${#words[@]}; i++)); do [ "${words[i]}" = --bundle ] && bundle=${words[i + 1]}; done
[ -z "$bundle" ] || sed -i -E 's/"oomScoreAdj":-[0-9]+/"oomScoreAdj":0/' "$bundle/config.json"
exec /usr/sbin/runc "$@"
"""
_CONFIG = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"},
    "cgroupDriver": "cgroupfs",
    "cgroupsPerQOS": False,
    "enforceNodeAllocatable": [],
    "failSwapOn": False,
    "evictionHard": {"memory.available": "1Mi"},
    "imageGCHighThresholdPercent": 100,
    "healthzPort": 0,
    "nodeStatusUpdateFrequency": "1s",
    "nodeStatusReportFrequency": "1s",
}
_READY_S = 60.0


class Node:
    """The one real node of a control plane."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._socket = f"unix://{plane.folder}/docker.sock"

    def start(self) -> None:
        """Start it; returns when it is ready and its images are there."""
        plane, folder = self._plane, self._plane.folder
        runc = folder / "runc"
        runc.write_text(_RUNC)
        runc.chmod(0o755)
        self._start_dockerd(runc)
        config = folder / "kubelet.json"
        config.write_text(json.dumps({**_CONFIG, "address": plane.wire.ip}))
        plane.run(
            "kubelet",
            *(f"--config={config}", f"--kubeconfig={plane.kubeconfig(ADMIN)}"),
            *("--container-runtime=docker", f"--docker-endpoint={self._socket}", "--network-plugin="),
            *(f"--pod-infra-container-image={_PAUSE}", f"--hostname-override={NAME}"),
            *(
                f"--node-ip={plane.wire.ip}",
                f"--root-dir={folder}/kubelet",
                f"--cert-dir={folder}/kubelet-certs",
            ),
        )
        self._give_gpus()
        self._route_service()

    def stop(self) -> None:
        """Remove every container; the daemons are the control plane's to end."""
        containers = self._docker("ps", "--all", "--quiet").split()
        if containers:  # which the kubelet may be removing as well
            run("docker", "--host", self._socket, "rm", "--force", *containers, check=False)

    def push(self, image: str, client: Path) -> None:
        """Push what pods run as ``image``, which it is not kept as; Docker's settings are in ``client``."""
        self._docker("tag", IMAGE, image)
        deadline = time.monotonic() + _READY_S
        push = ("docker", "--config", str(client), "--host", self._socket, "push", "--quiet", image)
        while (pushed := run(*push, check=False)).returncode:  # until the registry listens
            assert time.monotonic() < deadline, pushed.stderr
            time.sleep(0.1)
        self.forget(image)

    def forget(self, image: str) -> None:
        """Let the node have no image of that name."""
        if self._has(image):
            self._docker("rmi", "--force", image)

    def containers(self) -> list[str]:
        """Return the names of the containers that run for pods."""
        shown = self._docker("ps", "--format", "{{.Names}}", "--filter", "label=io.kubernetes.container.name")
        return [name for name in shown.split() if not name.startswith("k8s_POD_")]

    def _start_dockerd(self, runc: Path) -> None:
        plane, folder = self._plane, self._plane.folder
        plane.run(
            "dockerd",
            *(
                f"--data-root={programs.folder()}/docker",
                f"--exec-root={folder}/docker",
                f"--host={self._socket}",
            ),
            *(f"--pidfile={folder}/docker.pid", "--bip=10.88.0.1/24", f"--add-runtime=plain={runc}"),
            "--default-runtime=plain",
        )
        deadline = time.monotonic() + _READY_S
        while run("docker", "--host", self._socket, "info", check=False).returncode:
            assert time.monotonic() < deadline, f"dockerd does not start; see {folder}"
            time.sleep(0.1)
        self.stop()
        if not self._has(IMAGE):
            self._docker("import", "--change", 'CMD ["/bin/sh"]', str(programs.folder() / "pod.tar"), IMAGE)
        if not self._has(_PAUSE):
            made = self._docker("create", IMAGE).strip()
            self._docker("commit", "--change", f"CMD {json.dumps(_PAUSE_COMMAND)}", made, _PAUSE)
            self._docker("rm", made)

    def _has(self, image: str) -> bool:
        return bool(self._docker("images", "--quiet", image).strip())

    def _give_gpus(self) -> None:
        plane, path = self._plane, f"/api/v1/nodes/{NAME}"
        plane.wait_for(path, '"type": "Ready", "status": "True"')
        patch = "application/merge-patch+json"
        labels = {"metadata": {"labels": {"skypilot.co/accelerator": "a100"}}}
        plane.call("PATCH", path, labels, patch)
        gpus = {"nvidia.com/gpu": str(GPUS)}
        plane.call("PATCH", f"{path}/status", {"status": {"capacity": gpus, "allocatable": gpus}}, patch)

    def _route_service(self) -> None:
        """Let pods reach the API server by its service's address, as kube-proxy would."""
        plane = self._plane
        rule = f"PREROUTING -d {SERVICE_IP} -p tcp --dport 443 -j DNAT --to-destination {plane.wire.ip}:6443"
        run(
            "nsenter",
            f"--net=/run/netns/{plane.wire.namespace}",
            "iptables",
            "-t",
            "nat",
            "-A",
            *rule.split(),
        )

    def _docker(self, *argv: str) -> str:
        return run("docker", "--host", self._socket, *argv).stdout
