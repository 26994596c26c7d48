"""One file, one case: each module defines ``CASE``."""

__all__: list[str] = []
