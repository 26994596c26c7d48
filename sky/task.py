"""Task: what to run, on what, with which files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from executors.docker_login import DockerLogin
from sky.clouds import Cloud, CloudImplementationFeatures
from sky.dag import get_current_dag
from sky.exceptions import MisuseError, SpecError
from sky.fields import env_vars, mounts, run_command
from sky.fields.env_vars import Pairs
from sky.fields.estimate import Estimate, time_s
from sky.fields.run_command import Run
from sky.resources import Resources
from sky.service import PoolSpec, ServiceSpec
from sky.storage import Storage, StorageMode

Candidates = set[Resources] | list[Resources]

_NAME = re.compile(r"[a-zA-Z0-9]+(?:[._-]{1,2}[a-zA-Z0-9]+)*")


class Task:
    """A unit of work: commands, the nodes they need, and the files and variables they see.

    Setters return the task, so they chain. Created inside ``with Dag()``, a task joins that dag;
    ``a >> b`` there says that ``b`` needs what ``a`` writes, and gives ``b``.
    Raises ``SpecError`` (a ``ValueError``) for a field that is wrong.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        setup: str | list[str] | None = None,
        run: Run | list[str] = None,
        envs: Pairs = None,
        workdir: str | None = None,
        num_nodes: int | None = None,
        docker_image: str | None = None,
        event_callback: str | None = None,
        blocked_resources: Iterable[Resources] | None = None,
        secrets: Pairs = None,
        resources: Resources | Candidates | None = None,
        file_mounts: Mapping[str, str] | None = None,
        storage_mounts: Mapping[str, Storage] | None = None,
        volumes: Mapping[str, Any] | None = None,
        estimate: Estimate | None = None,
        max_duration: int | str | None = None,
    ) -> None:
        self.name = name
        self.setup = run_command.script(setup, "setup")
        self.run = run_command.checked_run(run)
        self.workdir = workdir
        self.num_nodes = num_nodes
        self.docker_image = docker_image
        self.event_callback = event_callback
        self.blocked_resources = None if blocked_resources is None else frozenset(blocked_resources)
        self.estimate = estimate
        self.max_duration_s = None if max_duration is None else time_s(max_duration, "max_duration")
        self.config: dict[str, Any] = {}
        self.volumes: dict[str, Any] = {}
        self.service: ServiceSpec | None = None
        self.pool: PoolSpec | None = None
        self.best_resources: Resources | None = None
        self.time_estimator: Callable[[Resources], float] | None = None
        self.inputs: str | None = None
        self.outputs: str | None = None
        self.estimated_inputs_size_gigabytes: float | None = None
        self.estimated_outputs_size_gigabytes: float | None = None
        self.file_mounts: dict[str, str] | None = None
        self.storage_mounts: dict[str, Storage] = {}
        self.storage_plans: dict[Storage, Any] = {}
        self._envs = env_vars.checked_pairs(envs, "envs")
        self._secrets = env_vars.checked_pairs(secrets, "secrets")
        env_vars.docker_login(self._variables())
        self.resources: Candidates = {Resources()}
        self.set_resources({Resources()} if resources is None else resources)
        self.set_file_mounts(file_mounts)
        self.set_storage_mounts(storage_mounts)
        self.set_volumes(volumes)
        dag = get_current_dag()
        if dag is not None:
            dag.add(self)

    @property
    def name(self) -> str | None:
        """The name to show: letters and digits, joined by one or two of ``. _ -``."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = _checked_name(name)

    @property
    def workdir(self) -> str | None:
        """The local folder that the nodes get a copy of, and that setup and run start in."""
        return self._workdir

    @workdir.setter
    def workdir(self, workdir: str | None) -> None:
        self._workdir = mounts.check_workdir(workdir)

    @property
    def num_nodes(self) -> int:
        """Number of identical nodes, all of which the task needs at once."""
        return self._num_nodes

    @num_nodes.setter
    def num_nodes(self, num_nodes: int | None) -> None:
        count: object = 1 if num_nodes is None else num_nodes
        if isinstance(count, bool) or not isinstance(count, int) or count <= 0:
            raise SpecError(f"must be a whole number above 0, not {num_nodes!r}", "num_nodes")
        self._num_nodes = count

    @property
    def envs(self) -> dict[str, str]:
        """Variables of setup and run."""
        return dict(self._envs)

    @property
    def secrets(self) -> dict[str, str]:
        """Variables of setup and run whose values are shown nowhere."""
        return dict(self._secrets)

    def _variables(self) -> dict[str, str]:
        return {**self._envs, **self._secrets}

    @property
    def docker_login_config(self) -> DockerLogin | None:
        """Login of the container registry, from the ``SKYPILOT_DOCKER_*`` variables."""
        return env_vars.docker_login(self._variables())

    @property
    def alternatives(self) -> tuple[Resources, ...]:
        """The candidates in an order that never varies: the user's for a list, a fixed one for a set."""
        if isinstance(self.resources, list):
            return tuple(self.resources)
        return tuple(sorted(self.resources, key=lambda resources: resources.sort_key))

    @property
    def use_spot(self) -> bool:
        """Whether any candidate asks for spot."""
        return any(resources.use_spot for resources in self.resources)

    def update_envs(self, envs: Pairs) -> Task:
        """Add ``envs`` (a mapping, or pairs) over those there are. Raises ``SpecError``."""
        merged = {**self._envs, **env_vars.checked_pairs(envs, "envs")}
        env_vars.docker_login({**merged, **self._secrets})
        self._envs = merged
        return self

    def update_secrets(self, secrets: Pairs) -> Task:
        """Add ``secrets`` (a mapping, or pairs) over those there are. Raises ``SpecError``."""
        merged = {**self._secrets, **env_vars.checked_pairs(secrets, "secrets")}
        env_vars.docker_login({**self._envs, **merged})
        self._secrets = merged
        return self

    def set_resources(
        self, resources: Resources | Candidates | tuple[Resources, ...] | dict[str, Any]
    ) -> Task:
        """Set what a node needs: one value, a set (any of them), or a list (the first that can be had)."""
        if isinstance(resources, dict):
            resources = Resources.from_yaml_config(resources)
        candidates: object = {resources} if isinstance(resources, Resources) else resources
        if not isinstance(candidates, (set, frozenset, list, tuple)) or not candidates:
            raise SpecError(f"must be Resources, or a set or list of them, not {resources!r}", "resources")
        if not all(isinstance(each, Resources) for each in candidates):
            raise SpecError(f"holds something that is not Resources: {resources!r}", "resources")
        self.resources = list(candidates) if isinstance(candidates, (list, tuple)) else set(candidates)
        return self

    def set_resources_override(self, override_params: dict[str, Any]) -> Task:
        """Replace those fields in every candidate; a set stays a set, a list a list."""
        changed = [resources.copy(**override_params) for resources in self.resources]
        self.resources = list(changed) if isinstance(self.resources, list) else set(changed)
        return self

    def set_service(self, service: ServiceSpec | None) -> Task:
        """Set or clear what makes this task a service."""
        if service is not None and not isinstance(service, ServiceSpec):
            raise SpecError(f"must be a ServiceSpec, not {service!r}", "service")
        self.service = service
        return self

    def set_time_estimator(self, func: Callable[[Resources], float]) -> Task:
        """Set the function that gives seconds for a candidate as it was asked for."""
        self.time_estimator = func
        return self

    def estimate_runtime(self, resources: Resources) -> float:
        """Return the estimator's seconds for ``resources``. Raises ``NotImplementedError`` without one."""
        if self.time_estimator is None:
            raise NotImplementedError(f"{self!r} has no time estimator; set one with set_time_estimator()")
        return self.time_estimator(resources)

    def set_inputs(self, inputs: str, estimated_size_gigabytes: float) -> Task:
        """State what the task reads (``s3://``, ``gs://``, ``cos://``) and its size in GB."""
        self.estimated_inputs_size_gigabytes = mounts.gigabytes(estimated_size_gigabytes, "inputs", inputs)
        self.inputs = inputs
        return self

    def set_outputs(self, outputs: str, estimated_size_gigabytes: float) -> Task:
        """State what the task writes and its size in GB; tasks after it in a dag need that much moved."""
        self.estimated_outputs_size_gigabytes = mounts.gigabytes(estimated_size_gigabytes, "outputs", outputs)
        self.outputs = outputs
        return self

    def get_inputs(self) -> str | None:
        """Return the URI that the task reads."""
        return self.inputs

    def get_outputs(self) -> str | None:
        """Return the URI that the task writes."""
        return self.outputs

    def get_estimated_inputs_size_gigabytes(self) -> float | None:
        """Return the size in GB of what the task reads."""
        return self.estimated_inputs_size_gigabytes

    def get_estimated_outputs_size_gigabytes(self) -> float | None:
        """Return the size in GB of what the task writes."""
        return self.estimated_outputs_size_gigabytes

    def get_inputs_cloud(self) -> Cloud:
        """Return the cloud that holds the inputs. Raises ``SpecError`` unless s3, gs or cos."""
        return mounts.cloud_of_uri(self.inputs)

    def set_file_mounts(self, file_mounts: Mapping[str, str] | None) -> Task:
        """Set ``{place on the node: local path or URI}``, or clear with ``None``. Raises ``SpecError``."""
        self.file_mounts = (
            None if file_mounts is None else mounts.check_file_mounts(file_mounts, self.workdir)
        )
        return self

    def update_file_mounts(self, file_mounts: Mapping[str, str]) -> Task:
        """Add file mounts over those there are. Raises ``SpecError``."""
        return self.set_file_mounts({**(self.file_mounts or {}), **file_mounts})

    def set_storage_mounts(self, storage_mounts: Mapping[str, Storage] | None) -> Task:
        """Set ``{place on the node: Storage}``, or clear with ``None``; mounts need FUSE on the nodes."""
        checked = dict(storage_mounts or {})
        for target, storage in checked.items():
            mounts.check_target(target, self.workdir)
            if not isinstance(storage, Storage):
                raise SpecError(f"must be a Storage, not {storage!r}", "file_mounts", target)
        self.storage_mounts = checked
        if any(storage.mode is not StorageMode.COPY for storage in checked.values()):
            self.set_resources_override({"_requires_fuse": True})
        return self

    def update_storage_mounts(self, storage_mounts: Mapping[str, Storage]) -> Task:
        """Add storage mounts over those there are. Raises ``SpecError``."""
        if not isinstance(storage_mounts, Mapping):
            raise SpecError(f"must be a mapping, not {storage_mounts!r}", "file_mounts")
        return self.set_storage_mounts({**self.storage_mounts, **storage_mounts})

    def set_volumes(self, volumes: Mapping[str, Any] | None) -> Task:
        """Set ``{place on the node: volume}``, or clear with ``None``."""
        self.volumes = dict(volumes or {})
        for target in self.volumes:
            mounts.check_target(target, self.workdir, "volumes")
        return self

    def is_controller_task(self) -> bool:
        """Return whether this task is the controller of managed jobs or services."""
        return False

    def get_required_cloud_features(self) -> set[CloudImplementationFeatures]:
        """Return what a cloud must be able to do for the task itself; the candidates say theirs."""
        asked = {
            CloudImplementationFeatures.MULTI_NODE: self.num_nodes > 1,
            CloudImplementationFeatures.STORAGE_MOUNTING: bool(self.storage_mounts),
        }
        return {feature for feature, wanted in asked.items() if wanted}

    @classmethod
    def from_yaml(cls, yaml_path: str) -> Task:
        """Return the task of a file with one document. Raises ``SpecError`` with file and line."""
        from sky.yaml_io import load_task

        return load_task(Path(yaml_path))

    @classmethod
    def from_yaml_str(cls, text: str) -> Task:
        """Return the task of YAML text with one document. Raises ``SpecError`` with the line."""
        from sky.yaml_io import load_task

        return load_task(text)

    @classmethod
    def from_yaml_config(
        cls, config: Mapping[str, Any], env_overrides: Pairs = None, secrets_overrides: Pairs = None
    ) -> Task:
        """Return the task of a mapping as YAML gives it, which is left alone. Raises ``SpecError``."""
        from sky.task_yaml import from_config

        return from_config(config, env_overrides, secrets_overrides)

    def to_yaml_config(self, redact_secrets: bool = False) -> dict[str, Any]:
        """Return the mapping that reads back as this task, values of secrets included unless redacted."""
        from sky.task_yaml import to_config

        return to_config(self, redact_secrets=redact_secrets)

    def __rshift__(self, other: Task) -> Task:
        dag = get_current_dag()
        if dag is None:
            raise MisuseError("a >> b adds an edge to a dag; write it inside 'with sky.Dag() as dag:'")
        dag.add_edge(self, other)
        return other

    def __repr__(self) -> str:
        shown = self.run if isinstance(self.run, str) else "<function>" if self.run else None
        if shown is not None and len(shown) > 40:
            shown = shown[:37] + "..."
        parts = [f"name={self.name!r}" if self.name else "", f"run={shown!r}" if shown else ""]
        parts.append(f"num_nodes={self.num_nodes}" if self.num_nodes > 1 else "")
        return f"Task({', '.join(part for part in parts if part)})"


def _checked_name(name: object) -> str | None:
    if name is not None and (not isinstance(name, str) or _NAME.fullmatch(name) is None):
        raise SpecError(f"{name!r} is not a name: letters and digits, joined by one or two of . _ -", "name")
    return name
