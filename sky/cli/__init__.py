"""The ``sky`` command: argument parsing and printing; every effect is a call of the public API."""

__all__: list[str] = []
