"""The user's configuration: ``$SKYPILOT_CONFIG``, else ``~/.sky/config.yaml``; read on first use.

    allowed_clouds: [aws, gcp]      clouds that plans may use; all when absent
    optimizer: {...}                how the risk of spot counts in plans (docs/risk.md)
    aws: {...}                      capacity reservations that plans may use (docs/aws.md)
    docker: {run_options: [...]}    more of docker run for nodes that are containers (docs/containers.md)
    kubernetes: {...}               contexts that plans may use, and how pods are made (docs/kubernetes.md)

A file named by the environment must exist. Unknown keys and broken YAML are errors that name the line.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog.home import sky_home
from executors.kubernetes.settings import PORTS
from sky.exceptions import SpecError, within
from sky.fields.estimate import LONGEST_S
from sky.fields.risk import parse
from sky.fields.schema import Kind, checked
from solver.request import Risk

_FIELDS = {
    "allowed_clouds": (Kind.LIST,),
    "optimizer": (Kind.MAPPING,),
    "aws": (Kind.MAPPING,),
    "docker": (Kind.MAPPING,),
    "kubernetes": (Kind.MAPPING,),
}
_OPTIMIZER_FIELDS = {"risk": (Kind.TEXT,), "checkpoint_minutes": (Kind.INTEGER, Kind.NUMBER)}
_AWS_FIELDS = {"prioritize_reservations": (Kind.FLAG,), "specific_reservations": (Kind.LIST,)}
_KUBERNETES_FIELDS = {
    "allowed_contexts": (Kind.LIST, Kind.TEXT),
    "pod_config": (Kind.MAPPING,),
    "provision_timeout": (Kind.INTEGER,),
    "ports": (Kind.TEXT,),
}


def loaded_config_path() -> Path | None:
    """Return the file that is in use, or ``None``. Raises ``FileNotFoundError`` for a missing named one."""
    named = os.environ.get("SKYPILOT_CONFIG")
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"SKYPILOT_CONFIG names {path}, which is not a file")
        return path
    path = sky_home() / "config.yaml"
    return path if path.is_file() else None


def loaded() -> bool:
    """Return whether a configuration file is in use."""
    return loaded_config_path() is not None


def to_dict() -> dict[str, Any]:
    """Return the whole configuration. Raises ``SpecError`` (a ``ValueError``) when the file is wrong."""
    path = loaded_config_path()
    return {} if path is None else dict(_read(path, path.stat().st_mtime_ns))


def get_nested(keys: tuple[str, ...], default: Any = None) -> Any:
    """Return the value at ``keys``, or ``default`` where there is none."""
    value: Any = to_dict()
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return default
        value = value[key]
    return value


def allowed_clouds() -> tuple[str, ...]:
    """Return the canonical names of the clouds that plans may use; empty when all may be."""
    return tuple(get_nested(("allowed_clouds",), ()))


def risk() -> Risk:
    """Return how the risk of spot counts where a call does not say; not at all when absent."""
    return Risk(get_nested(("optimizer", "risk"), Risk.IGNORE))


def checkpoint_s() -> int | None:
    """Return the seconds between the checkpoints of tasks that do not say; ``None`` for none."""
    minutes = get_nested(("optimizer", "checkpoint_minutes"))
    return None if minutes is None else round(minutes * 60)


@lru_cache(maxsize=4)
def _read(path: Path, _mtime_ns: int) -> dict[str, Any]:
    from sky.fields import docker_section, yaml_text

    documents = yaml_text.read(path.read_text(encoding="utf-8"), str(path))
    if not documents:
        return {}
    with documents[0].locating():
        config = checked(documents[0].value or {}, _FIELDS, "the configuration")
        if "allowed_clouds" in config:
            config["allowed_clouds"] = _cloud_names(config["allowed_clouds"])
        if "optimizer" in config:
            config["optimizer"] = _optimizer(config["optimizer"])
        if "aws" in config:
            config["aws"] = _aws(config["aws"])
        if "docker" in config:
            config["docker"] = docker_section.parse(config["docker"])
        if "kubernetes" in config:
            config["kubernetes"] = _kubernetes(config["kubernetes"])
        return config


def _cloud_names(listed: list[Any]) -> list[str]:
    from sky import clouds

    found = []
    for position, name in enumerate(listed):
        with within("allowed_clouds", position):
            if not isinstance(name, str):
                raise SpecError(f"{name!r} is not the name of a cloud")
            cloud = clouds.from_str(name, "")
            found.append(cloud.canonical_name())
    return found


def _optimizer(section: Any) -> dict[str, Any]:
    with within("optimizer"):
        fields = checked(section, _OPTIMIZER_FIELDS, "the configuration of the optimizer")
        parse(fields.get("risk"))
        if "checkpoint_minutes" in fields:
            minutes = fields["checkpoint_minutes"]
            if not 1 <= minutes * 60 <= LONGEST_S:
                raise SpecError(
                    f"{minutes!r} is not a time between checkpoints; write minutes, for example 30",
                    "checkpoint_minutes",
                )
        return fields


def _aws(section: Any) -> dict[str, Any]:
    with within("aws"):
        fields = dict(checked(section, _AWS_FIELDS, "the configuration of AWS"))
        for position, each in enumerate(fields.get("specific_reservations", [])):
            with within("specific_reservations", position):
                if not isinstance(each, str) or not each.startswith("cr-"):
                    raise SpecError(f"{each!r} is not the id of a capacity reservation: cr-...")
        return fields


def _kubernetes(section: Any) -> dict[str, Any]:
    with within("kubernetes"):
        fields = dict(checked(section, _KUBERNETES_FIELDS, "the configuration of Kubernetes"))
        contexts = fields.get("allowed_contexts", [])
        if contexts != "all" and not (
            isinstance(contexts, list) and all(isinstance(c, str) for c in contexts)
        ):
            raise SpecError("is a list of names of contexts, or: all", "allowed_contexts")
        ports = fields.get("ports", PORTS[0])
        if ports not in PORTS:
            raise SpecError(f"is one of {', '.join(PORTS)}, not {ports!r}", "ports")
        return fields
