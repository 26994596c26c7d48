"""Measurements as ratios: our work and a reference, timed in turns, so that machines can be compared."""

__all__: list[str] = []
