"""Clients of AWS by service and region, with limits on time and attempts; and calls side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from typing import Any, TypeVar

from executors.aws.errors import translated
from executors.errors import Unsupported

T = TypeVar("T")

DEFAULT_REGION = "us-east-1"
_ATTEMPTS = 5
_CONNECT_S, _READ_S = 5, 60
_AT_ONCE = 16
_lock = threading.Lock()


def client(service: str, region: str = "", *, attempts: int = _ATTEMPTS) -> Any:
    """Return the client, which threads may share, for the region or else the one that is set up.

    ``attempts`` counts what is sent for one call, with the SDK's standard pauses between them. Raises
    ``Unsupported`` without the SDK, ``AuthError`` for a profile that does not exist.
    """
    if not installed():
        raise Unsupported("AWS needs the package boto3: install the extra [aws] of this project")
    with _lock, translated():
        return _client(service, region, attempts)


@cache
def _client(service: str, region: str, attempts: int) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=_AT_ONCE,
        user_agent_extra="skysolve",
    )
    session = _session()
    home = session.region_name or DEFAULT_REGION
    return session.client(service, region_name=region or home, config=config)


@cache
def _session() -> Any:
    import boto3

    return boto3.session.Session()


def installed() -> bool:
    """Return whether the SDK is there; does not load it."""
    return find_spec("boto3") is not None


def regions() -> tuple[str, ...]:
    """Return the regions that are enabled for this account."""
    with translated():
        found = client("ec2").describe_regions()["Regions"]
    return tuple(sorted(region["RegionName"] for region in found))


def in_each(regions: Sequence[str], ask: Callable[[str], T]) -> Mapping[str, T]:
    """Return what ``ask`` says of every region, asked side by side. Raises the first error."""
    if len(regions) == 1:
        return {regions[0]: ask(regions[0])}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="aws-region") as pool:
        return dict(zip(regions, pool.map(ask, regions), strict=True))
