"""Re-solve: how long a plan takes to be solved anew after one more offer was blocked."""

from __future__ import annotations

from bench.report import figure_text
from bench.report.document import Section, Table, Text
from bench.report.results import Suite

HEAD = ("instance", "minimises", "tasks", "blocks", "first", "again", "share", "same plan")


def section(suite: Suite) -> Section:
    """Return the section."""
    rows = tuple(
        (
            *(each.instance, each.objective, f"{each.tasks:,}", f"{each.blocks:,}"),
            *(figure_text.seconds(each.first_seconds), figure_text.seconds(each.again_seconds)),
            *(figure_text.percent(each.ratio), "yes" if each.same_plan else "no"),
        )
        for each in suite.resolves
    )
    text = (
        "One more offer is blocked and the plan is asked for again in the same process. `share` is the "
        "second time over the first, both in seconds on a processor; `same plan` says whether a fresh solve "
        "chooses the same."
    )
    return Section("Re-solve after one more block", (Text(text), Table(HEAD, "llrrrrrl", rows)))
