"""Whether these credentials can run clusters, and what mends it where they cannot."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from catalog.errors import ExecutorError
from executors.api import Access
from executors.errors import AuthError, NotFound
from executors.gcp import credentials, errors
from executors.gcp.rest import Rest

PERMISSIONS = (
    *(f"compute.instances.{verb}" for verb in ("create", "delete", "get", "list", "start", "stop")),
    *(f"compute.instances.{verb}" for verb in ("setLabels", "setMetadata", "setServiceAccount", "setTags")),
    *(f"compute.firewalls.{verb}" for verb in ("create", "delete", "get", "list")),
    *("compute.disks.create", "compute.disks.setLabels", "compute.networks.updatePolicy"),
    *("compute.subnetworks.use", "compute.subnetworks.useExternalIp"),
    *("compute.globalOperations.get", "compute.globalOperations.list", "compute.zoneOperations.get"),
    *("compute.machineTypes.list", "compute.projects.get", "iam.serviceAccounts.actAs"),
)
"""What clusters take; it is in roles/compute.admin and roles/iam.serviceAccountUser."""
MANAGER_VARIABLE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER"
_MANAGER = "https://cloudresourcemanager.googleapis.com/"
_SHOWN = 4


def check() -> Access:
    """Ask Google who we are and what we may."""
    who = credentials.identity()
    try:
        rest = Rest.open()
        rest.get("")
        missing = _missing(rest)
    except AuthError as error:
        words, _, fix = str(error).partition(" Run: ")
        place = credentials.find_project() or "PROJECT"
        return Access(False, who, words, _grant(place, who, []) if fix == errors.LOOK_FIX else fix)
    except NotFound as error:
        return Access(False, who, f"gcp: {error}", credentials.PROJECT_FIX)
    except ExecutorError as error:
        return Access(False, who, str(error))
    place = f"project {rest.project}"
    if missing is None:
        return Access(True, who, f"{place}; its permissions could not be asked for")
    if missing:
        return Access(
            False, who, f"{place}: missing are {_listed(missing)}", _grant(rest.project, who, missing)
        )
    return Access(True, who, place)


def _missing(rest: Rest) -> list[str] | None:
    """Return the permissions that are not granted; ``None`` where the project is not told about that."""
    base = os.environ.get(MANAGER_VARIABLE, _MANAGER).rstrip("/")
    try:
        answer: Mapping[str, Any] = rest.ask(
            f"{base}/v1/projects/{rest.project}:testIamPermissions", {"permissions": list(PERMISSIONS)}
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
