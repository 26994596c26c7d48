"""The job queue of a cluster on Slurm: the agent on its first node, as long as Slurm leaves it the node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from executors.agent_queue import AgentQueue
from executors.api import ClusterView, NodeState, Transport
from executors.errors import AgentUnreachable


class SlurmQueue(AgentQueue):
    """Runs jobs through the agent; where that is gone, ``look`` tells what Slurm did with the node."""

    def __init__(
        self, transport: Transport, python: str, env: Sequence[str], look: Callable[[], ClusterView]
    ) -> None:
        super().__init__(transport, python, env)
        self._look = look

    def _call(self, *words: str, stdin: str = "") -> Any:
        try:
            return super()._call(*words, stdin=stdin)
        except AgentUnreachable as error:
            view = self._look()
            if view.state is NodeState.RUNNING or not view.reason:
                raise
            raise AgentUnreachable(f"{view.reason}. sky start asks for nodes again") from error
