"""ServiceSpec and PoolSpec: the ``service:`` and ``pool:`` sections as checked values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sky.exceptions import SpecError, within
from sky.fields.ports import LAST_PORT
from sky.fields.schema import Kind, Table, checked
from sky.fields.suggest import did_you_mean

POLICIES = ("least_load", "round_robin", "instance_aware_least_load")
DEFAULT_INITIAL_DELAY_S = 1_200
DEFAULT_TIMEOUT_S = 15
DEFAULT_UPSCALE_DELAY_S = 300
DEFAULT_DOWNSCALE_DELAY_S = 1_200

FIELDS: Table = {
    "readiness_probe": (Kind.TEXT, Kind.MAPPING),
    "replicas": (Kind.INTEGER,),
    "replica_policy": (Kind.MAPPING,),
    "ports": (Kind.INTEGER, Kind.TEXT),
    "load_balancing_policy": (Kind.TEXT,),
    "tls": (Kind.MAPPING,),
}
_PROBE: Table = {
    "path": (Kind.TEXT,),
    "initial_delay_seconds": (Kind.INTEGER, Kind.NUMBER),
    "timeout_seconds": (Kind.INTEGER, Kind.NUMBER),
    "post_data": (Kind.TEXT, Kind.MAPPING),
    "headers": (Kind.MAPPING,),
}
_POLICY: Table = {
    "min_replicas": (Kind.INTEGER,),
    "max_replicas": (Kind.INTEGER,),
    "num_overprovision": (Kind.INTEGER,),
    "target_qps_per_replica": (Kind.INTEGER, Kind.NUMBER, Kind.MAPPING),
    "upscale_delay_seconds": (Kind.INTEGER, Kind.NUMBER),
    "downscale_delay_seconds": (Kind.INTEGER, Kind.NUMBER),
    "base_ondemand_fallback_replicas": (Kind.INTEGER,),
    "dynamic_ondemand_fallback": (Kind.FLAG,),
    "spot_placer": (Kind.TEXT,),
}
_TLS: Table = {"keyfile": (Kind.TEXT,), "certfile": (Kind.TEXT,)}
_POOL: Table = {
    "workers": (Kind.INTEGER,),
    "min_workers": (Kind.INTEGER,),
    "max_workers": (Kind.INTEGER,),
    "queue_length_threshold": (Kind.INTEGER,),
    "upscale_delay_seconds": (Kind.INTEGER, Kind.NUMBER),
    "downscale_delay_seconds": (Kind.INTEGER, Kind.NUMBER),
}


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service: when a replica is ready, how many there are, and who gets the next request.

    Times are seconds. ``config`` is the section as it was written, without nulls.
    """

    readiness_path: str
    initial_delay_seconds: float
    readiness_timeout_seconds: float
    min_replicas: int
    max_replicas: int | None
    target_qps_per_replica: float | Mapping[str, float] | None
    upscale_delay_seconds: float
    downscale_delay_seconds: float
    base_ondemand_fallback_replicas: int
    dynamic_ondemand_fallback: bool
    load_balancing_policy: str
    ports: int | None
    config: Mapping[str, Any]

    @property
    def use_ondemand_fallback(self) -> bool:
        """Whether some replicas may be on demand though spot was asked for."""
        return self.base_ondemand_fallback_replicas > 0 or self.dynamic_ondemand_fallback

    @property
    def autoscales(self) -> bool:
        """Whether the number of replicas follows the load."""
        return self.target_qps_per_replica is not None

    @classmethod
    def from_yaml_config(cls, config: Mapping[str, Any]) -> ServiceSpec:
        """Return the value of a ``service:`` section. Raises ``SpecError``."""
        fields = checked(config, FIELDS, "service")
        if "replicas" in fields and "replica_policy" in fields:
            raise SpecError("give replicas or replica_policy, not both", "replica_policy")
        probe = _probe(fields.get("readiness_probe"))
        policy = _policy(fields)
        return cls(
            readiness_path=probe["path"],
            initial_delay_seconds=probe.get("initial_delay_seconds", DEFAULT_INITIAL_DELAY_S),
            readiness_timeout_seconds=probe.get("timeout_seconds", DEFAULT_TIMEOUT_S),
            min_replicas=policy.get("min_replicas", 1),
            max_replicas=policy.get("max_replicas"),
            target_qps_per_replica=policy.get("target_qps_per_replica"),
            upscale_delay_seconds=policy.get("upscale_delay_seconds", DEFAULT_UPSCALE_DELAY_S),
            downscale_delay_seconds=policy.get("downscale_delay_seconds", DEFAULT_DOWNSCALE_DELAY_S),
            base_ondemand_fallback_replicas=policy.get("base_ondemand_fallback_replicas", 0),
            dynamic_ondemand_fallback=policy.get("dynamic_ondemand_fallback", False),
            load_balancing_policy=_balancing(fields.get("load_balancing_policy", POLICIES[0])),
            ports=_port(fields["ports"]) if "ports" in fields else None,
            config=fields,
        )

    def to_yaml_config(self) -> dict[str, Any]:
        """Return the ``service:`` section that reads back as this."""
        return dict(self.config)


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """Warm workers that jobs can be sent to: a fixed number, or between two."""

    min_workers: int
    max_workers: int | None
    config: Mapping[str, Any]

    @classmethod
    def from_yaml_config(cls, config: Mapping[str, Any]) -> PoolSpec:
        """Return the value of a ``pool:`` section. Raises ``SpecError``."""
        fields = checked(config, _POOL, "pool")
        scaled = {"min_workers", "max_workers"} & set(fields)
        if "workers" in fields and scaled:
            raise SpecError("give workers, or min_workers and max_workers, not both", "workers")
        least, most = _bounds(fields, "min_workers", "max_workers", fields.get("workers", 1))
        return cls(least, most, fields)

    def to_yaml_config(self) -> dict[str, Any]:
        """Return the ``pool:`` section that reads back as this."""
        return dict(self.config)


def _probe(probe: str | Mapping[str, Any] | None) -> dict[str, Any]:
    if probe is None:
        raise SpecError("needs a readiness_probe, for example /health")
    with within("readiness_probe"):
        fields = {"path": probe} if isinstance(probe, str) else checked(probe, _PROBE, "readiness_probe")
        if not fields.get("path", "").startswith("/"):
            raise SpecError(f"must start with /, not {fields.get('path')!r}", "path")
        return fields


def _policy(fields: Mapping[str, Any]) -> dict[str, Any]:
    if "replica_policy" not in fields:
        count = fields.get("replicas", 1)
        if count < 0:
            raise SpecError(f"must be 0 or more, not {count}", "replicas")
        return {"min_replicas": count}
    with within("replica_policy"):
        policy = checked(fields["replica_policy"], _POLICY, "replica_policy")
        least, most = _bounds(policy, "min_replicas", "max_replicas", 1)
        if most is not None and most != least and "target_qps_per_replica" not in policy:
            raise SpecError("is needed when max_replicas is above min_replicas", "target_qps_per_replica")
        if most is None and "target_qps_per_replica" in policy:
            raise SpecError("is needed with target_qps_per_replica", "max_replicas")
        return policy


def _bounds(fields: Mapping[str, Any], low: str, high: str, default: int) -> tuple[int, int | None]:
    least, most = fields.get(low, default), fields.get(high)
    if least < 0:
        raise SpecError(f"must be 0 or more, not {least}", low)
    if most is not None and most < least:
        raise SpecError(f"must be at least {low} ({least}), not {most}", high)
    return least, most


def _balancing(policy: str) -> str:
    if policy not in POLICIES:
        hint = did_you_mean(policy, POLICIES) or f" Known policies: {', '.join(POLICIES)}."
        raise SpecError(f"{policy!r} is not a policy.{hint}", "load_balancing_policy")
    return policy


def _port(port: int | str) -> int:
    if (isinstance(port, str) and not port.isdecimal()) or not 1 <= int(port) <= LAST_PORT:
        raise SpecError(f"{port!r} is not one port from 1 to {LAST_PORT}", "ports")
    return int(port)
