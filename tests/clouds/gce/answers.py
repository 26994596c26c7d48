"""Refusals as Compute Engine words them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """An HTTP answer that is an error."""

    def __init__(
        self, status: int, error: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error.get("message"))
        self.status = status
        self.body = {"error": error}
        self.headers = dict(headers or {})


def refusal(status: int, reason: str, message: str) -> Refusal:
    """Return the error of that status, reason and message."""
    each = {"message": message, "domain": "global", "reason": reason}
    return Refusal(status, {"code": status, "message": message, "errors": [each]})


def invalid(message: str) -> Refusal:
    """Something in the request is wrong."""
    return refusal(400, "invalid", message)


def not_found(what: str) -> Refusal:
    """There is no such thing; ``what`` is its address from ``projects/`` on."""
    return refusal(404, "notFound", f"The resource '{what}' was not found")


def exists(what: str) -> Refusal:
    """The name is taken."""
    return refusal(409, "alreadyExists", f"The resource '{what}' already exists")
