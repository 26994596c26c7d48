"""What a pod runs to take its own cluster down: ``self_down.py SELECTOR``.

Run as text by the pod's own Python, 3.8 or newer; imports nothing of ours.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

_MOUNTED = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_CALL_S = 30.0


def call(method: str, path: str) -> dict[str, Any]:
    """Ask the API server for something of the pod's own namespace; nothing there is an empty answer."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    namespace, token = ((_MOUNTED / name).read_text().strip() for name in ("namespace", "token"))
    request = urllib.request.Request(
        f"https://{server}/api/v1/namespaces/{namespace}/{path}",
        headers={"Authorization": f"Bearer {token}"},
        method=method,
    )
    tls = ssl.create_default_context(cafile=str(_MOUNTED / "ca.crt"))
    no_proxy, verified = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
    direct = urllib.request.build_opener(no_proxy, verified)
    try:
        with direct.open(request, timeout=_CALL_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {"items": []}
        sys.exit(error.read().decode(errors="replace"))


def main(selector: str) -> None:
    """Delete the pods that the selector names, this one last."""
    listed = call("GET", f"pods?labelSelector={quote(selector)}")["items"]
    names = [pod["metadata"]["name"] for pod in listed]
    for name in sorted(names, key=lambda name: name == os.environ.get("HOSTNAME")):
        call("DELETE", f"pods/{name}")


if __name__ == "__main__":
    main(sys.argv[1])
