"""Competitors, one a file: each module defines ``COMPETITOR`` and can be run on an instance as a process."""

__all__: list[str] = []
