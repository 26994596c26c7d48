"""``python -m bench.peers``: run the comparison and print what came out."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bench import kept
from bench.peers.compare import BY_THE_HOUR, OURS, PEERS, RESULTS, compare, say
from bench.peers.requests import requests
from bench.venvs import VenvError

EPILOG = """
Ours and every peer are asked the same requests over the same offers, each in a process of its own
without network. "ms" is the median of warm runs, "x" how many times longer than ours, "cost" how
many times the cost of the proven best plan over the offers that this peer was given: 1.000 is as
good. A peer's environment is made on first use, from a lock in bench/requirements.

examples:
  python -m bench.peers --request a100x8 --request chain-3
  python -m bench.peers --runs 9 --time-limit 900

Exit codes: 0 measured; 1 our plan was wrong, or a peer's was cheaper; 2 a peer could not be run.
"""

Rows = Mapping[str, Mapping[str, Any]]
"""One request's rows by competitor."""


def main() -> int:
    """Compare, write ``bench/results/peers.json``, print a table or the JSON."""
    options = _arguments()
    asked = [
        request for name, request in requests().items() if not options.request or name in options.request
    ]
    try:
        found, versions = compare(asked, options.runs, options.time_limit)
    except (VenvError, subprocess.CalledProcessError) as error:
        say(f"error: {error}")
        return 2
    rows = [asdict(row) for row in found]
    kept.keep(RESULTS, rows, ("request", "competitor"), versions)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        _print(rows)
    wrong = failures(rows)
    for line in wrong:
        say(f"wrong: {line}")
    return 1 if wrong else 0


def failures(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say where our plan was not right, or not the best one on the same offers."""
    wrong = []
    for row in rows:
        if row["competitor"] == OURS and row["status"] != "optimal":
            wrong.append(f"{row['request']}: {row['status']}, {row['note']}")
        beaten = "cost_ratio" if row["objective"] == "cost" else "time_ratio"
        if row[beaten] is not None and row[beaten] < 1 and not row["note"].endswith(BY_THE_HOUR):
            wrong.append(
                f"{row['request']}: {row['competitor']} needs {row[beaten]:.4f} of our {row['objective']}"
            )
    return wrong


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers",
        description=f"Compare our optimizer with {', '.join(peer.name for peer in PEERS)}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--request",
        action="append",
        metavar="NAME",
        choices=list(requests()),
        help=f"ask this one (repeatable): {', '.join(requests())}",
    )
    parser.add_argument("--runs", type=_positive, default=5, help="warm runs of a request (default 5)")
    parser.add_argument(
        "--time-limit",
        type=float,
        default=120,
        metavar="S",
        help="seconds for a request's runs (default 120)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser.parse_args()


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _print(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    by_request: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        by_request.setdefault(row["request"], {})[row["competitor"]] = row
    table = Table(box=None, pad_edge=False)
    for head in ("request", "tasks", "ours, ms", "MiB", "$"):
        table.add_column(head, justify="left" if head == "request" else "right", no_wrap=True)
    for peer in PEERS:
        for head in (f"{peer.name}, ms", "x", "MiB", "cost"):
            table.add_column(head, justify="right", no_wrap=True)
    for name, by_competitor in by_request.items():
        table.add_row(name, *_cells(by_competitor))
    console = Console(width=160)
    console.print(table)
    for row in rows:
        if row["note"]:
            console.print(
                f"{row['request']}, {row['competitor']}: {row['note']}", markup=False, highlight=False
            )
    for peer in PEERS:
        if line := _summary(peer.name, by_request):
            console.print(line, highlight=False)


def _cells(rows: Rows) -> list[str]:
    ours = rows[OURS]
    cells = [str(ours["tasks"]), _ms(ours), _mib(ours), _figure(ours["cost_usd"], "{:.2f}")]
    for peer in PEERS:
        row = rows[peer.name]
        cells += [_ms(row), _figure(_times(row, ours), "{:.0f}"), _mib(row)]
        cells.append(_figure(row["cost_ratio"], "{:.3f}") if row["cost_ratio"] else row["status"])
    return cells


def _summary(name: str, by_request: Mapping[str, Rows]) -> str:
    """Say in one line how a peer did over all requests that it answered."""
    times = [_times(rows[name], rows[OURS]) for rows in by_request.values()]
    known = [value for value in times if value is not None]
    ratios = [rows[name]["cost_ratio"] for rows in by_request.values() if rows[name]["cost_ratio"]]
    if not known or not ratios:
        return ""
    as_good = sum(ratio < 1.0005 for ratio in ratios)
    return (
        f"{name}: answered {len(ratios)} of {len(by_request)}; as cheap in {as_good}, at most"
        f" {max(ratios):.2f} times the cost; {statistics.median(known):.0f} times as long in the median"
    )


def _times(row: Mapping[str, Any], ours: Mapping[str, Any]) -> float | None:
    return row["seconds"] / ours["seconds"] if row["seconds"] and ours["seconds"] else None


def _ms(row: Mapping[str, Any]) -> str:
    return _figure(row["seconds"] and row["seconds"] * 1000, "{:.1f}")


def _mib(row: Mapping[str, Any]) -> str:
    return _figure(row["peak_mib"], "{:.0f}")


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


if __name__ == "__main__":
    sys.exit(main())
