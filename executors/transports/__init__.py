"""Ways to reach a node."""

__all__ = ["local"]
