"""Families of instances, one a file: each module defines ``FAMILY``."""

__all__: list[str] = []
