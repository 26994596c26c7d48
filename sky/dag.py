"""Dag: tasks and which of them needs another's outputs."""

from __future__ import annotations

import threading
from enum import Enum
from graphlib import CycleError, TopologicalSorter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from catalog.errors import UserError
from sky.exceptions import MisuseError

if TYPE_CHECKING:
    import networkx as nx

    from sky.task import Task


class DagExecution(str, Enum):
    """How the tasks of one file run: one after the other, or all at once."""

    SERIAL = "serial"
    PARALLEL = "parallel"


class Dag:
    """Tasks in the order they were added, and directed edges between them.

    Inside ``with Dag() as dag`` every new ``Task`` joins the innermost dag of this thread, and ``a >> b``
    adds an edge to it. Cycles are reported by ``topological_order``.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.tasks: list[Task] = []
        self.policy_applied = False
        self.execution = DagExecution.SERIAL
        self.primary_tasks: list[str] = []
        self.termination_delay: str | dict[str, str] | None = None
        self.inter_connection: str | None = None
        self.pool: str | None = None
        self._edges: list[tuple[Task, Task]] = []

    def add(self, task: Task) -> None:
        """Add ``task``; a task that is there already stays where it is."""
        if not self._has(task):
            self.tasks.append(task)

    def remove(self, task: Task) -> None:
        """Remove ``task`` and its edges. Raises ``MisuseError`` when it is not there."""
        self._require(task)
        self.tasks = [each for each in self.tasks if each is not task]
        self._edges = [edge for edge in self._edges if task is not edge[0] and task is not edge[1]]

    def add_edge(self, source: Task, target: Task) -> None:
        """State that ``target`` needs what ``source`` writes; the same edge twice is one edge."""
        self._require(source)
        self._require(target)
        if not any(source is a and target is b for a, b in self._edges):
            self._edges.append((source, target))

    def _has(self, task: Task) -> bool:
        return any(task is each for each in self.tasks)

    def _require(self, task: Task) -> None:
        if not self._has(task):
            raise MisuseError(
                f"{task!r} is not in this dag; add it with dag.add(task), or create it inside 'with dag'"
            )

    @property
    def edges(self) -> tuple[tuple[Task, Task], ...]:
        """Every (source, target) in the order they were added."""
        return tuple(self._edges)

    @property
    def edge_indices(self) -> tuple[tuple[int, int], ...]:
        """Every edge as two indices into ``tasks``."""
        index = {id(task): position for position, task in enumerate(self.tasks)}
        return tuple((index[id(a)], index[id(b)]) for a, b in self._edges)

    @property
    def graph(self) -> nx.DiGraph[Any]:
        """A new networkx graph of the tasks; changing it does not change the dag."""
        import networkx as nx  # 0.35 s

        graph: nx.DiGraph[Any] = nx.DiGraph()
        graph.add_nodes_from(self.tasks)
        graph.add_edges_from(self._edges)
        return graph

    def get_graph(self) -> nx.DiGraph[Any]:
        """Return ``graph``."""
        return self.graph

    def is_chain(self) -> bool:
        """Return whether the tasks form one line, each with at most one before it and one after."""
        if len(self.tasks) <= 1:
            return True
        follows = dict(self.edge_indices)
        first = set(range(len(self.tasks))) - set(follows.values())
        if len(follows) != len(self._edges) or len(first) != 1:
            return False
        walked = [first.pop()]
        while walked[-1] in follows:
            walked.append(follows[walked[-1]])
        return len(walked) == len(self.tasks)

    def is_job_group(self) -> bool:
        """Return whether the tasks run at the same time."""
        return self.execution is DagExecution.PARALLEL

    def topological_order(self) -> list[Task]:
        """Return the tasks so that each comes after all it needs. Raises ``UserError`` naming the cycle."""
        needs: dict[int, list[int]] = {position: [] for position in range(len(self.tasks))}
        for source, target in self.edge_indices:
            needs[target].append(source)
        try:
            return [self.tasks[position] for position in TopologicalSorter(needs).static_order()]
        except CycleError as error:
            cycle: list[int] = error.args[1]
            names = " -> ".join(self.tasks[position].name or f"task {position}" for position in cycle)
            raise UserError(
                f"the tasks need each other in a cycle: {names}; remove one of these edges"
            ) from None

    def __len__(self) -> int:
        return len(self.tasks)

    def __enter__(self) -> Dag:
        _stack().append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _stack().pop()

    def __repr__(self) -> str:
        edges = ", ".join(f"{a.name or '?'} -> {b.name or '?'}" for a, b in self._edges)
        names = ", ".join(task.name or "?" for task in self.tasks)
        return f"Dag({self.name + ': ' if self.name else ''}{names}{'; ' + edges if edges else ''})"


_local = threading.local()


def _stack() -> list[Dag]:
    if not hasattr(_local, "stack"):
        _local.stack = []
    stack: list[Dag] = _local.stack
    return stack


def get_current_dag() -> Dag | None:
    """Return the innermost dag that this thread is inside of, or ``None``."""
    stack = _stack()
    return stack[-1] if stack else None
