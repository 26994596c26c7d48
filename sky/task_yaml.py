"""Task <-> the mapping of a task file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sky.exceptions import NotSupportedError, SpecError, within
from sky.fields import docker_section, env_vars
from sky.fields.env_vars import Pairs
from sky.fields.estimate import Estimate
from sky.fields.schema import Kind, Table, checked
from sky.resources import Resources
from sky.resources_yaml import candidates_config
from sky.service import PoolSpec, ServiceSpec
from sky.storage import Storage
from sky.task import Task

FIELDS: Table = {
    "name": (Kind.TEXT,),
    "workdir": (Kind.TEXT,),
    "num_nodes": (Kind.INTEGER,),
    "setup": (Kind.TEXT, Kind.LIST),
    "run": (Kind.TEXT, Kind.LIST),
    "envs": (Kind.MAPPING,),
    "secrets": (Kind.MAPPING,),
    "file_mounts": (Kind.MAPPING,),
    "volumes": (Kind.MAPPING,),
    "resources": (Kind.MAPPING,),
    "service": (Kind.MAPPING,),
    "pool": (Kind.MAPPING,),
    "inputs": (Kind.MAPPING,),
    "outputs": (Kind.MAPPING,),
    "estimate": (Kind.MAPPING,),
    "max_duration": (Kind.TEXT, Kind.INTEGER),
    "event_callback": (Kind.TEXT,),
    "config": (Kind.MAPPING,),
    "experimental": (Kind.MAPPING,),
}
_EXPERIMENTAL: Table = {"config_overrides": (Kind.MAPPING,)}
_CONFIG: Table = dict.fromkeys(
    (
        "docker",
        "nvidia_gpus",
        "kubernetes",
        "ssh",
        "slurm",
        "aws",
        "gcp",
        "azure",
        "oci",
        "nebius",
        "vast",
        "active_workspace",
    ),
    (Kind.MAPPING, Kind.TEXT),
)
_VOLUME: Table = {
    "name": (Kind.TEXT,),
    "size": (Kind.TEXT, Kind.INTEGER),
    "type": (Kind.TEXT,),
    "labels": (Kind.MAPPING,),
    "config": (Kind.MAPPING,),
}
_SUBSTITUTED = ("workdir", "file_mounts", "service")
REDACTED = "<redacted>"


def from_config(
    config: Mapping[str, Any], env_overrides: Pairs = None, secrets_overrides: Pairs = None
) -> Task:
    """Return the task of ``config``, which is left alone. Raises ``SpecError`` with the field's path.

    ``$VAR`` and ``${VAR}`` of ``envs`` and ``secrets`` are replaced in ``workdir``, ``file_mounts`` and
    ``service`` alone; the shell sees to ``setup`` and ``run``.
    """
    _refuse_secret_kinds(config)
    fields = checked(config, FIELDS, "a task")
    envs = env_vars.merged(fields.get("envs"), env_overrides, "envs")
    secrets = env_vars.merged(fields.get("secrets"), secrets_overrides, "secrets")
    written = {key: fields[key] for key in _SUBSTITUTED if key in fields}
    fields.update(env_vars.substituted(written, {**envs, **secrets}))
    shown = env_vars.substituted(written, envs)
    named = secrets if env_vars.substituted(shown, secrets) != shown else {}
    with env_vars.hiding(named):
        return _task(fields, envs, secrets)


def _task(fields: dict[str, Any], envs: dict[str, str], secrets: dict[str, str]) -> Task:
    with within("resources"):
        resources = Resources.from_yaml_config(fields.get("resources"))
    with within("estimate"):
        estimate = Estimate.from_yaml_config(fields["estimate"]) if "estimate" in fields else None
    task = Task(
        fields.get("name"),
        setup=fields.get("setup"),
        run=fields.get("run"),
        envs=envs,
        secrets=secrets,
        workdir=fields.get("workdir"),
        num_nodes=fields.get("num_nodes"),
        event_callback=fields.get("event_callback"),
        resources=resources,
        estimate=estimate,
        max_duration=fields.get("max_duration"),
    )
    _set_mounts(task, fields.get("file_mounts", {}))
    _set_sections(task, fields)
    return task


def _refuse_secret_kinds(config: object) -> None:
    """Refuse ``secrets`` that are no mapping before a general message would quote them."""
    if isinstance(config, Mapping) and not isinstance(config.get("secrets"), (Mapping, type(None))):
        raise SpecError("must be a mapping of name to value", "secrets")


def _set_mounts(task: Task, file_mounts: Mapping[str, Any]) -> None:
    copies: dict[str, str] = {}
    storages: dict[str, Storage] = {}
    for target, source in file_mounts.items():
        if isinstance(source, Mapping):
            with within("file_mounts", target):
                storages[target] = Storage.from_yaml_config(source)
        else:
            copies[target] = source
    task.set_file_mounts(copies)
    task.set_storage_mounts(storages)


def _set_sections(task: Task, fields: Mapping[str, Any]) -> None:
    if "service" in fields:
        with within("service"):
            task.set_service(ServiceSpec.from_yaml_config(fields["service"]))
    if "pool" in fields:
        with within("pool"):
            task.pool = PoolSpec.from_yaml_config(fields["pool"])
    if "inputs" in fields:
        task.set_inputs(*_uri_and_size(fields["inputs"], "inputs"))
    if "outputs" in fields:
        task.set_outputs(*_uri_and_size(fields["outputs"], "outputs"))
    task.set_volumes(_volumes(fields.get("volumes", {})))
    task.config = _config(fields)


def _uri_and_size(section: Mapping[str, Any], field: str) -> tuple[str, Any]:
    if len(section) != 1:
        raise SpecError(f"must hold one 'uri: gigabytes', not {len(section)}", field)
    ((uri, size),) = section.items()
    return str(uri), size


def _volumes(section: Mapping[str, Any]) -> dict[str, Any]:
    volumes: dict[str, Any] = {}
    for target, volume in section.items():
        with within("volumes", str(target)):
            if not isinstance(volume, (str, Mapping)):
                raise SpecError(f"must be the name of a volume or a mapping, not {volume!r}")
            volumes[target] = volume if isinstance(volume, str) else checked(volume, _VOLUME, "a volume")
    return volumes


def _config(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``config``, or its old place ``experimental.config_overrides``."""
    config = _checked_config(fields.get("config", {}), "config")
    with within("experimental"):
        experimental = checked(fields.get("experimental", {}), _EXPERIMENTAL, "experimental")
        return {**_checked_config(experimental.get("config_overrides", {}), "config_overrides"), **config}


def _checked_config(section: object, name: str) -> dict[str, Any]:
    with within(name):
        config = checked(section, _CONFIG, name)
        if "docker" in config:
            config["docker"] = docker_section.parse(config["docker"])
        return config


def to_config(task: Task, *, redact_secrets: bool) -> dict[str, Any]:
    """Return the mapping that reads back as ``task``. Raises ``NotSupportedError`` for a function to run."""
    if task.run is not None and not isinstance(task.run, str):
        raise NotSupportedError(
            f"{task!r} runs a Python function, which a task file cannot hold; use a script"
        )
    mounted = {target: storage.to_yaml_config() for target, storage in task.storage_mounts.items()}
    secrets = dict.fromkeys(task.secrets, REDACTED) if redact_secrets else task.secrets
    config: dict[str, Any] = {
        "name": task.name,
        "resources": candidates_config(task.resources) or None,
        "num_nodes": task.num_nodes if task.num_nodes > 1 else None,
        "workdir": task.workdir,
        "event_callback": task.event_callback,
        "setup": task.setup,
        "run": task.run,
        "envs": task.envs or None,
        "secrets": secrets or None,
        "service": task.service and task.service.to_yaml_config(),
        "pool": task.pool and task.pool.to_yaml_config(),
        "inputs": None if task.inputs is None else {task.inputs: task.estimated_inputs_size_gigabytes},
        "outputs": None if task.outputs is None else {task.outputs: task.estimated_outputs_size_gigabytes},
        "volumes": task.volumes or None,
        "estimate": task.estimate and task.estimate.to_yaml_config(),
        "max_duration": None if task.max_duration_s is None else f"{task.max_duration_s}s",
        "config": task.config or None,
    }
    return {key: value for key, value in config.items() if value is not None} | {
        "file_mounts": {**(task.file_mounts or {}), **mounted}
    }
