"""Table: the rows for a reader at a terminal."""

from __future__ import annotations

from bench.suite.row import Row

HEAD = (
    f"{'instance':18} {'objective':9} {'competitor':15} {'status':11} {'value':>12} {'gap':>7} "
    f"{'seconds':>9} {'total':>9} {'peak':>9} {'ratio':>8}"
)


def line_of(row: Row) -> str:
    """Return a row as a line."""
    value = "-" if row.value is None else _value(row)
    gap = "-" if row.gap is None else f"{row.gap:.2%}" if row.gap else "0"
    ratio = "" if row.ratio_to_highs is None else f"{'<' * row.ratio_is_bound}{row.ratio_to_highs:.3g}"
    timed = row.status != "unsupported"
    cells = (
        f"{row.instance:18} {row.objective:9} {row.competitor:15} {row.status:11} {value:>12} {gap:>7} "
        f"{_seconds(row.seconds) if timed else '-':>9} {_seconds(row.total_seconds) if timed else '-':>9} "
        f"{f'{row.peak_mib:.0f} MiB' if timed else '-':>9} {ratio:>8}"
    )
    return f"{cells}  {row.note}".rstrip()


def _value(row: Row) -> str:
    return f"${(row.value or 0) / 1e6:,.2f}" if row.objective == "cost" else f"{row.value} s"


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.3f} s"
