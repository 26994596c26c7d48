"""Content: the report that measurements make, section by section."""

from __future__ import annotations

from bench.report.document import Report
from bench.report.promise import verdicts
from bench.report.results import Results
from bench.report.sections import (
    commands,
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


def report_of(results: Results) -> Report:
    """Return the report. A section that nothing was measured for says how to measure it."""
    suite, peers = results.suite, results.peers
    told = verdicts(suite, results.commands)
    kept = sum(verdict.kept for verdict in told)
    summary = (
        f"**{kept} of {len(told)} promises kept.** Every figure, verdict and plot is computed from the "
        "measurements by `python -m bench.report`; none is typed by hand. The last section lists what speaks "
        "against us."
    )
    return Report(
        TITLE,
        (summary,),
        (
            setup.section(results),
            promises.section(suite),
            families.section(suite),
            competitors.section(suite),
            growth.section(suite),
            *((resolve.section(suite),) if suite.resolves else ()),
            peers_section.section(peers),
            commands.section(results.commands),
            weaknesses.section(results),
        ),
    )
