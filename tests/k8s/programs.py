"""The programs of a real Kubernetes, as ``build.sh`` leaves them."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

from tests.hosts.command import environment

SWITCH = "SKY_TEST_KUBERNETES"
_VERSION = "1.20.2"
_HOME = Path.home()  # before a test has one of its own
_BUILT = ("bin/kube-apiserver", "bin/kube-scheduler", "bin/kubelet", "pod.tar")
_INSTALLED = ("etcd", "dockerd", "docker", "docker-registry", "openssl", "nsenter", "iptables")


def folder() -> Path:
    """Where they are, or would be."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or _HOME / ".cache")
    return cache_home / "sky-tests" / f"kubernetes-{_VERSION}"


@cache
def why_not() -> str:
    """Return why no Kubernetes can be run here, ``""`` where it can."""
    if not os.environ.get(SWITCH):
        return f"set {SWITCH}=1, or: sh scripts/test-k8s.sh, which builds what it takes, once"
    missing = [name for name in _BUILT if not (folder() / name).exists()]
    path = environment()["PATH"]
    missing += [name for name in _INSTALLED if shutil.which(name, path=path) is None]
    return f"no {', '.join(missing)}; run: sh tests/k8s/build.sh" if missing else ""
