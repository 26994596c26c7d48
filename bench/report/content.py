"""Content: the report that measurements make, section by section."""

from __future__ import annotations

from bench.report.document import Report
from bench.report.promise import verdicts
from bench.report.results import Peers, Suite
from bench.report.sections import (
    competitors,
    families,
    growth,
    promises,
    resolve,
    setup,
    weaknesses,
)
from bench.report.sections import peers as peers_section

TITLE = "Benchmarks"


def report_of(suite: Suite, peers: Peers | None) -> Report:
    """Return the report. Without peers, their section says how to measure them."""
    told = verdicts(suite)
    kept = sum(verdict.kept for verdict in told)
    summary = (
        f"**{kept} of {len(told)} promises kept.** Every figure, verdict and plot is computed from the "
        "measurements by `python -m bench.report`; none is typed by hand. The last section lists what speaks "
        "against us."
    )
    commands = (
        "This is about plans. How long the product's own commands take, here and on hosts, is in "
        "`docs/benchmarks-commands.md`."
    )
    return Report(
        TITLE,
        (summary, commands),
        (
            setup.section(suite, peers),
            promises.section(suite),
            families.section(suite),
            competitors.section(suite),
            growth.section(suite),
            *((resolve.section(suite),) if suite.resolves else ()),
            peers_section.section(peers),
            weaknesses.section(suite, peers),
        ),
    )
