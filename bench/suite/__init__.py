"""The optimizer against others: families of instances, competitors, best-known values."""

__all__: list[str] = []
