"""From a command line to a task: a YAML file or an inline command, with the flags laid over it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.errors import UserError

if TYPE_CHECKING:
    from sky.dag import Dag
    from sky.task import Task

_RESOURCE_FLAGS = (
    "infra", "cloud", "region", "zone", "cpus", "memory", "instance_type", "use_spot", "disk_size",
    "disk_tier", "image_id",
)  # fmt: skip

_TEXT = re.compile(r"""(?:[^#'"\\]|'[^']*'|"(?:\\.|[^"\\])*"|\\.|(?<=\S)#)*""")


def read_task(words: Sequence[str], flags: dict[str, Any]) -> Task:
    """Return the one task of ``words``. Raises ``UserError`` for a file with several."""
    dag = read_dag(words, flags)
    if len(dag.tasks) != 1:
        raise UserError(
            f"{words[0]} holds {len(dag.tasks)} tasks and this command runs one; sky optimize plans them all"
        )
    return dag.tasks[0]


def read_dag(words: Sequence[str], flags: dict[str, Any]) -> Dag:
    """Return the tasks of a YAML file, or the one of an inline command (none: an empty task)."""
    envs = environment(flags["env"], flags["env_file"])
    secrets = dict(_pair(text, "--secret") for text in flags["secret"])
    path = _yaml_path(words)
    if path is None:
        dag = _inline(words, envs, secrets)
    else:
        from sky.yaml_io import load_tasks

        dag = load_tasks(path, env_overrides=envs, secrets_overrides=secrets)
    for task in dag.tasks:
        _lay_over(task, flags)
    return dag


def _yaml_path(words: Sequence[str]) -> Path | None:
    if len(words) != 1 or not words[0].endswith((".yaml", ".yml")):
        return None
    path = Path(words[0]).expanduser()
    if not path.is_file():
        raise UserError(f"{words[0]}: no such file")
    return path


def _inline(words: Sequence[str], envs: dict[str, str], secrets: dict[str, str]) -> Dag:
    from sky.dag import Dag
    from sky.task import Task

    dag = Dag()
    dag.add(Task(run=_command(words), envs=envs, secrets=secrets))
    return dag


def _command(words: Sequence[str]) -> str | None:
    """Return one word as the shell text it is, several as one command whose words stay as they are."""
    if not words:
        return None
    return words[0] if len(words) == 1 else shlex.join(words)


def _lay_over(task: Task, flags: dict[str, Any]) -> None:
    if flags["name"]:
        task.name = flags["name"]
    if flags["workdir"]:
        task.workdir = flags["workdir"]
    if flags["num_nodes"] is not None:
        task.num_nodes = flags["num_nodes"]
    overrides = {name: flags[name] for name in _RESOURCE_FLAGS if flags[name] is not None}
    if overrides.get("disk_tier") == "none":
        overrides["disk_tier"] = None
    if flags["gpus"]:
        overrides["accelerators"] = flags["gpus"]
    if flags["ports"]:
        overrides["ports"] = list(flags["ports"])
    if overrides:
        task.set_resources_override(overrides)


def environment(pairs: Iterable[str], file: str | None) -> dict[str, str]:
    """Return the variables of ``--env-file`` with those of ``--env`` over them. Raises ``UserError``."""
    variables = _read_env_file(Path(file)) if file else {}
    variables.update(_pair(text, "--env") for text in pairs)
    return variables


def _pair(text: str, flag: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if separator:
        return name, value
    if name not in os.environ:
        raise UserError(f"{flag} {name}: not set in this shell; write {flag} {name}=VALUE")
    return name, os.environ[name]


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8 text; is this an env file?") from None
    variables = {}
    for number, line in enumerate(lines, start=1):
        try:
            words = shlex.split(_without_comment(line))
        except ValueError as error:
            raise UserError(f"{path}:{number}: {error}") from None
        if words[:1] == ["export"]:
            words = words[1:]
        if not words:
            continue
        name, separator, value = words[0].partition("=")
        if len(words) > 1 or not separator or not name.isidentifier():
            raise UserError(
                f"{path}:{number}: write NAME=VALUE, with quotes around a value that holds spaces"
            )
        variables[name] = value
    return variables


def _without_comment(line: str) -> str:
    """Return ``line`` up to a ``#`` that stands outside quotes and begins a word, as a shell reads it."""
    end = _TEXT.match(line).end()  # type: ignore[union-attr]  # it matches the empty text too
    return line[:end] if line[end : end + 1] == "#" else line
