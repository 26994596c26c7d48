"""Effects on one place: making nodes, reaching them, and running jobs there."""

__all__ = ["api", "errors", "job", "lifecycle", "registry"]
