"""What the API says when it refuses, as our errors."""

from __future__ import annotations

import pytest

from catalog.errors import UserError
from executors.errors import AuthError, NotFound, OutOfCapacity, QuotaExceeded, Transient
from executors.kubernetes.contexts import Context
from executors.kubernetes.errors import AlreadyThere, never_starts, no_room, refusal

LAB = Context("lab", "https://x", "default", {}, {})
DENIED = (
    'pods is forbidden: User "dev" cannot create resource "pods" in API group "" in the namespace "default"'
)
QUOTA = 'pods "sky-a-0" is forbidden: exceeded quota: team, requested: cpu=4, used: cpu=8, limited: cpu=10'


@pytest.mark.parametrize(
    ("code", "message", "kind", "told"),
    [
        (401, "Unauthorized", AuthError, "does not accept the credentials"),
        (403, DENIED, AuthError, "The right to create pods is missing; docs/kubernetes.md"),
        (403, QUOTA, QuotaExceeded, "limited: cpu=10"),
        (404, 'pods "x" not found', NotFound, "not found"),
        (409, "already exists", AlreadyThere, "already exists"),
        (422, "spec.volumes: Invalid value", UserError, "Is pod_config right"),
        (500, "etcdserver: request timed out", Transient, "timed out"),
        (503, "", Transient, "HTTP status 503"),
    ],
)
def test_answers(code: int, message: str, kind: type[Exception], told: str) -> None:
    error = refusal(LAB, code, {"message": message})
    assert type(error) is kind
    assert str(error).startswith("kubernetes/lab")
    assert told in str(error)


def test_a_refusal_holds_for_its_context_and_no_room_for_one_share_there() -> None:
    assert str(refusal(LAB, 401, {}).scope) == "kubernetes/lab"  # type: ignore[union-attr]
    error = no_room(LAB, "004cpu-8gb", "0/3 nodes are available: 3 Insufficient cpu.", 10.2)
    assert isinstance(error, OutOfCapacity)
    assert str(error) == (
        "kubernetes/lab: 004cpu-8gb found no node within 10 s: 0/3 nodes are available: 3 Insufficient cpu."
    )
    assert (error.scope.region, error.scope.instance_type) == ("lab", "004cpu-8gb")


def test_an_image_that_cannot_be_had_is_the_users_to_mend() -> None:
    def waiting(reason: str) -> dict[str, object]:
        state = {"waiting": {"reason": reason, "message": "manifest unknown"}}
        return {
            "metadata": {"name": "p"},
            "status": {"containerStatuses": [{"image": "x:1", "state": state}]},
        }

    error = never_starts(LAB, waiting("ImagePullBackOff"))
    assert isinstance(error, UserError)
    assert "image x:1 cannot be had there (ImagePullBackOff): manifest unknown" in str(error)
    assert never_starts(LAB, waiting("ContainerCreating")) is None
    assert never_starts(LAB, {"metadata": {"name": "p"}, "status": {}}) is None
