"""Whether these credentials can run clusters, and what mends it where they cannot."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from catalog.errors import ExecutorError
from executors.api import Access
from executors.errors import AuthError, NotFound, Transient
from executors.gcp import credentials, errors
from executors.gcp.rest import Rest

PERMISSIONS = (
    *(f"compute.instances.{verb}" for verb in ("create", "delete", "get", "list", "start", "stop")),
    *(f"compute.instances.{verb}" for verb in ("setLabels", "setMetadata", "setServiceAccount", "setTags")),
    *(f"compute.firewalls.{verb}" for verb in ("create", "delete", "get", "list")),
    *("compute.disks.create", "compute.disks.setLabels", "compute.disks.useReadOnly"),
    *(f"compute.images.{verb}" for verb in ("create", "delete", "get", "list", "setLabels", "useReadOnly")),
    "compute.networks.updatePolicy",
    *("compute.subnetworks.use", "compute.subnetworks.useExternalIp"),
    *("compute.globalOperations.get", "compute.globalOperations.list", "compute.zoneOperations.get"),
    *("compute.machineTypes.list", "compute.projects.get", "iam.serviceAccounts.actAs"),
)
"""What clusters take; it is in roles/compute.admin and roles/iam.serviceAccountUser."""
MANAGER_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER"
_MANAGER = "https://cloudresourcemanager.googleapis.com/"
_USER_INFO = "https://openidconnect.googleapis.com/v1/userinfo"
_SHOWN = 4


def check() -> Access:
    """Ask Google who we are and what we may; the identity is the account and the project.

    Raises ``Transient`` where it does not answer.
    """
    try:
        rest = Rest.open()
        rest.get("")
    except AuthError as error:
        words, _, fix = str(error).partition(". Run: ")
        named, project = credentials.account(), credentials.find_project() or "PROJECT"
        return Access(False, named, words, _grant(project, named, []) if fix == errors.LOOK_FIX else fix)
    except NotFound as error:
        return Access(False, credentials.account(), f"gcp: {error}", credentials.PROJECT_FIX)
    except Transient:
        raise
    except ExecutorError as error:
        return Access(False, credentials.account(), str(error))
    who, missing = _who(rest), _missing(rest)
    identity = f"{who} in {rest.project}"
    if missing is None:
        return Access(True, identity, "its permissions could not be asked for")
    if missing:
        return Access(False, identity, f"missing are {_listed(missing)}", _grant(rest.project, who, missing))
    return Access(True, identity)


def _who(rest: Rest) -> str:
    """Return the account, as its file says or, of a person's login, as Google says."""
    if "@" in credentials.account():
        return credentials.account()
    try:
        return str(rest.ask("GET", _USER_INFO).get("email") or credentials.account())
    except ExecutorError:
        return credentials.account()


def _missing(rest: Rest) -> list[str] | None:
    """Return the permissions that are not granted; ``None`` where the project is not told about that."""
    base = os.environ.get(MANAGER_VARIABLE, _MANAGER).rstrip("/")
    try:
        answer: Mapping[str, Any] = rest.ask(
            "POST",
            f"{base}/v1/projects/{rest.project}:testIamPermissions",
            {"permissions": list(PERMISSIONS)},
        )
    except ExecutorError:
        return None
    return sorted(set(PERMISSIONS) - set(answer.get("permissions", ())))


def _listed(missing: list[str]) -> str:
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return ", ".join(missing[:_SHOWN]) + more


def _grant(project: str, who: str, missing: list[str]) -> str:
    role = "iam.serviceAccountUser" if missing == ["iam.serviceAccounts.actAs"] else "compute.admin"
    kind = "serviceAccount" if who.endswith(".gserviceaccount.com") else "user"
    member = who if "@" in who else "YOU@EXAMPLE.COM"
    return f"gcloud projects add-iam-policy-binding {project} --member={kind}:{member} --role=roles/{role}"
