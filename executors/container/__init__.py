"""Containers as nodes: what one needs for the agent, and the one that a rented machine runs."""

__all__: list[str] = []
