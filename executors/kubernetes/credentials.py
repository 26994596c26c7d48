"""How one proves who one is to an API server: certificates, tokens, and programs that fetch them."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.scope import Scope
from executors.errors import AuthError
from executors.kubernetes.contexts import CLOUD, Context

_PLUGIN_TIMEOUT_S = 60.0
_TTL_S = 300


@dataclass(frozen=True, slots=True)
class Credentials:
    """What goes with every call to one API server: the TLS context (``None``: plain HTTP), and headers."""

    tls: ssl.SSLContext | None
    headers: Mapping[str, str] = field(repr=False)


def of(context: Context) -> Credentials:
    """Return the credentials of a context, running its credential plugin where it has one.

    Raises ``AuthError`` when they cannot be had.
    """
    user = dict(context.user)
    if "exec" in user:
        user.update(_from_plugin(context, user["exec"]))
    elif "auth-provider" in user:
        raise _unusable(context, "it has an auth-provider; log in again, which writes a plugin (exec)")
    try:
        tls = _tls(context, user) if context.server.startswith("https:") else None
        return Credentials(tls, _headers(context, user))
    except (OSError, ValueError) as error:
        raise _unusable(context, str(error)) from error


def _headers(context: Context, user: Mapping[str, Any]) -> dict[str, str]:
    token = user.get("token", "")
    if "tokenFile" in user:
        token = (context.user_folder / user["tokenFile"]).read_text("utf-8").strip()
    if token:
        return {"Authorization": f"Bearer {token}"}
    if "username" in user:
        login = f"{user['username']}:{user.get('password', '')}"
        return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    return {}


def _tls(context: Context, user: Mapping[str, Any]) -> ssl.SSLContext:
    cluster = context.cluster
    authority = _bytes(cluster, "certificate-authority", context.cluster_folder)
    tls = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    certificate = _bytes(user, "client-certificate", context.user_folder)
    key = _bytes(user, "client-key", context.user_folder)
    if certificate and key:
        _load(tls, certificate, key)
    return tls


def _load(tls: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a certificate with its key, which takes a file that only this user can read, for a moment."""
    descriptor, name = tempfile.mkstemp(prefix="sky-key-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(certificate + b"\n" + key)
        tls.load_cert_chain(name)
    finally:
        Path(name).unlink()


def _bytes(part: Mapping[str, Any], name: str, folder: Path) -> bytes:
    if part.get(f"{name}-data"):
        return base64.b64decode(part[f"{name}-data"])
    return (folder / part[name]).read_bytes() if part.get(name) else b""


def _from_plugin(context: Context, plugin: Mapping[str, Any]) -> dict[str, Any]:
    """Run the program that the kubeconfig names and return the user entry that it stands for."""
    argv = [str(plugin["command"]), *map(str, plugin.get("args") or ())]
    if "/" in argv[0]:
        argv[0] = str(context.user_folder / argv[0])
    info = {
        "apiVersion": plugin.get("apiVersion", "client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": {"interactive": False},
    }
    env = {str(each["name"]): str(each["value"]) for each in plugin.get("env") or ()}
    try:
        done = subprocess.run(
            argv,
            env={**os.environ, **env, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PLUGIN_TIMEOUT_S,
            check=True,
        )
        status = json.loads(done.stdout)["status"]
    except FileNotFoundError:
        hint = plugin.get("installHint") or f"install {argv[0]}, which its kubeconfig names"
        raise _unusable(context, str(hint).strip()) from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()[-300:]
        raise _unusable(context, f"{argv[0]} failed: {said}") from None
    except (subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        raise _unusable(context, f"{argv[0]} gave no credential") from None
    found: dict[str, Any] = {"token": status.get("token", "")}
    with suppress(KeyError):
        for kind in ("Certificate", "Key"):
            data = status[f"client{kind}Data"].encode()
            found[f"client-{kind.lower()}-data"] = base64.b64encode(data).decode()
    return found


def _unusable(context: Context, reason: str) -> AuthError:
    return AuthError(f"{context.place}: no credentials: {reason}", Scope(CLOUD, context.name), _TTL_S)
