"""Task files -> Dag: one task, a chain of documents, or a job group; errors carry file and line."""

from __future__ import annotations

import re
from pathlib import Path

from sky.dag import Dag, DagExecution
from sky.exceptions import SpecError, within
from sky.fields import yaml_text
from sky.fields.env_vars import Pairs
from sky.fields.schema import Kind, Table, checked
from sky.fields.suggest import did_you_mean
from sky.fields.yaml_text import Document
from sky.task import Task

TEXT_SOURCE = "<text>"

HEADER_FIELDS: Table = {
    "name": (Kind.TEXT,),
    "execution": (Kind.TEXT,),
    "primary_tasks": (Kind.LIST,),
    "termination_delay": (Kind.TEXT, Kind.INTEGER, Kind.MAPPING),
    "inter_connection": (Kind.TEXT,),
    "pool": (Kind.TEXT,),
}
_WORDS = re.compile(r"[a-zA-Z0-9]+(?:[._-]{1,2}[a-zA-Z0-9]+)*")
_ONLY_IN_HEADER = {"execution", "primary_tasks", "termination_delay", "inter_connection"}


def load_tasks(path_or_text: str | Path, env_overrides: Pairs = None, secrets_overrides: Pairs = None) -> Dag:
    """Return the tasks of a file, or of YAML text, as a dag.

    Documents form a chain in file order, or a job group where the header says ``execution: parallel``.
    Text is told from a path by a line break or a ``": "``. Raises ``SpecError`` (a ``ValueError``) with
    ``file:line:column``, ``FileNotFoundError``.
    """
    text, source = _text_of(path_or_text)
    written = [document for document in yaml_text.read(text, source) if document.value is not None]
    header = written.pop(0) if written and _is_header(written) else None
    dag = Dag()
    if header is not None:
        _read_header(dag, header)
    for document in written or [Document(None, source, None)]:
        with document.locating():
            _require_mapping(document)
            dag.add(Task.from_yaml_config(document.value or {}, env_overrides, secrets_overrides))
    _name_all(dag, source)
    with (header or Document(None, source, None)).locating():
        _check_group(dag)
    if not dag.is_job_group():
        for before, after in zip(dag.tasks, dag.tasks[1:], strict=False):
            dag.add_edge(before, after)
    return dag


def load_task(path_or_text: str | Path, env_overrides: Pairs = None, secrets_overrides: Pairs = None) -> Task:
    """Return the one task of a file or text; as ``load_tasks``, but several documents are a ``SpecError``."""
    dag = load_tasks(path_or_text, env_overrides, secrets_overrides)
    if len(dag) > 1:
        raise SpecError(f"holds {len(dag)} tasks, and one is wanted here", location=_text_of(path_or_text)[1])
    return dag.tasks[0]


def _text_of(path_or_text: str | Path) -> tuple[str, str]:
    if isinstance(path_or_text, str) and (
        "\n" in path_or_text or ": " in path_or_text or not path_or_text.strip()
    ):
        return path_or_text, TEXT_SOURCE
    try:
        return Path(path_or_text).expanduser().read_text(encoding="utf-8"), str(path_or_text)
    except UnicodeDecodeError:
        raise SpecError("is not UTF-8 text; is this a task file?", location=str(path_or_text)) from None


def _require_mapping(document: Document) -> None:
    if document.value is not None and not isinstance(document.value, dict):
        raise SpecError(
            f"a task is a mapping of fields, not {type(document.value).__name__}; is this a task file?"
        )


def _is_header(documents: list[Document]) -> bool:
    """Return whether the first document describes the others rather than being a task."""
    first = documents[0].value
    if not isinstance(first, dict):
        return False
    return bool(_ONLY_IN_HEADER & set(first)) or (
        len(documents) > 1 and bool(first) and set(first) <= {"name", "pool"}
    )


def _read_header(dag: Dag, document: Document) -> None:
    with document.locating():
        fields = checked(document.value, HEADER_FIELDS, "the header document")
        dag.name = fields.get("name")
        dag.primary_tasks = [str(name) for name in fields.get("primary_tasks", [])]
        dag.termination_delay = fields.get("termination_delay")
        dag.inter_connection = fields.get("inter_connection")
        dag.pool = fields.get("pool")
        execution = fields.get("execution", DagExecution.SERIAL.value)
        kinds = [kind.value for kind in DagExecution]
        if execution not in kinds:
            raise SpecError(
                f"{execution!r} is not one of {', '.join(kinds)}.{did_you_mean(execution, kinds)}",
                "execution",
            )
        dag.execution = DagExecution(execution)


def _name_all(dag: Dag, source: str) -> None:
    """Name the dag after its only task or its file, and unnamed tasks of several ``<dag>-<i>``."""
    if len(dag) == 1:
        dag.name = dag.name or dag.tasks[0].name
        return
    base = dag.name or (Path(source).stem if source != TEXT_SOURCE else "task")
    dag.name = base
    stem = "-".join(_WORDS.findall(base)) or "task"
    for position, task in enumerate(dag.tasks):
        task.name = task.name or f"{stem}-{position}"


def _check_group(dag: Dag) -> None:
    names = [task.name or "" for task in dag.tasks]
    for position, name in enumerate(dag.primary_tasks):
        if name not in names:
            with within("primary_tasks", position):
                raise SpecError(f"{name!r} is none of the tasks.{did_you_mean(name, names)}")
    if dag.is_job_group() and len(set(names)) != len(names):
        again = next(name for name in names if names.count(name) > 1)
        raise SpecError(f"two tasks of a job group are called {again!r}; rename one", "execution")
