"""The job queue of a cluster of pods: the agent on its head."""

from __future__ import annotations

from executors.agent_queue import AgentQueue
from executors.api import Autostop, Transport
from executors.errors import Unsupported
from executors.kubernetes.errors import GRANTS
from executors.kubernetes.pods import SERVICE_ACCOUNT


class PodQueue(AgentQueue):
    """Runs jobs through the agent; takes autodown only where the pods may delete themselves."""

    def __init__(self, transport: Transport, python: str, *, may_delete_itself: bool) -> None:
        super().__init__(transport, python)
        self._may_delete_itself = may_delete_itself

    def set_autostop(self, setting: Autostop) -> None:
        """Replace the autostop setting. Raises ``Unsupported`` where pods may not delete themselves."""
        if setting.idle_minutes >= 0 and not self._may_delete_itself:
            raise Unsupported(
                f"this cluster cannot take itself down: its namespace had no service account "
                f"{SERVICE_ACCOUNT} when it was made. {GRANTS} has the manifest; clusters made after that can"
            )
        super().set_autostop(setting)
