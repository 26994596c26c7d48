"""Host keys."""


def line_fingerprint(f: str, n: int) -> str:
    return "x"
