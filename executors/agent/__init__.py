"""The agent: a job queue, runners and an idle watch on one node, in the standard library alone.

It is packed into one file, ``agent.pyz``, copied to the node and run by any Python from 3.8 on, so nothing
here imports another package of this project. ``docs/agent.md`` states what it guarantees.
"""

__all__ = ["cli", "daemon", "runner"]
