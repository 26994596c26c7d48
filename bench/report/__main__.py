"""``python -m bench.report``: write the report from the measurements that are kept."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import kept
from bench.report.content import report_of
from bench.report.document import Report
from bench.report.html import html_of
from bench.report.markdown import markdown_of
from bench.report.results import MissingError, load
from bench.sample import ROOT

NAME = "benchmarks"

EPILOG = """
Writes benchmarks.md with its plots in benchmarks/, and benchmarks.html, which needs no other file. The
same measurements give the same bytes. Without measurements of the peers or the commands, their section
says how to get them.

examples:
  python -m bench.report
  python -m bench.report --results other --output somewhere

Exit codes: 0 written; 2 measurements are missing, and the message says which command to run first.
"""


def main() -> int:
    """Read the measurements and write the report."""
    options = _arguments()
    try:
        results = load(options.results)
    except MissingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for file in write(report_of(results), options.output):
        print(file)
    return 0


def write(report: Report, folder: Path) -> list[Path]:
    """Write the report into ``folder`` and return its files; plots of an earlier report are removed."""
    plots = folder / NAME
    plots.mkdir(parents=True, exist_ok=True)
    texts = {plots / f"{figure.name}.svg": figure.svg for figure in report.figures()}
    for stale in set(plots.glob("*.svg")) - texts.keys():
        stale.unlink()
    texts[folder / f"{NAME}.md"] = markdown_of(report, NAME)
    texts[folder / f"{NAME}.html"] = html_of(report)
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")
    return list(texts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.report",
        description="Write the report of the measurements, as Markdown with plots and as one HTML page.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=kept.FOLDER,
        metavar="DIR",
        help="what the measurements wrote (default bench/results)",
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs", metavar="DIR", help="where it goes (default docs)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
