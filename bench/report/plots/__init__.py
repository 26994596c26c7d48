"""Plots as SVG, the same bytes for the same figures."""

__all__: list[str] = []
