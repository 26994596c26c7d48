"""The parts of the report, in the order of the report, one file each."""

__all__: list[str] = []
