"""What rented machines have in common, whoever rents them out: keys, first boot, and the way in by SSH."""

__all__: list[str] = []
