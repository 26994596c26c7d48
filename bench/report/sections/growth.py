"""Growth: the plots of time and memory over the number of tasks."""

from __future__ import annotations

from bench.report.document import Block, Figure, Heading, Section, Text
from bench.report.growth import FAMILIES, LEAST, lines_of
from bench.report.plots.growth import growth_svg
from bench.report.results import OBJECTIVES, Suite


def section(suite: Suite) -> Section:
    """Return the section."""
    blocks: list[Block] = [
        Text(
            f"Both axes are logarithmic, from {LEAST} tasks on. A hollow mark is a run that was stopped "
            "without a proof. Competitors that prove nothing, the greedy ones, are not drawn."
        )
    ]
    for name, families in FAMILIES.items():
        lines = {objective: lines_of(suite, families, objective) for objective in OBJECTIVES}
        drawn = dict.fromkeys(line.label for each in lines.values() for line in each)
        caption = f"{' and '.join(families)}: time to the proof and peak memory of {', '.join(drawn)}"
        blocks += [Heading(" and ".join(f"`{each}`" for each in families))]
        blocks += [Figure(f"growth-{name}", caption, growth_svg(lines))]
    return Section("Growth", tuple(blocks))
