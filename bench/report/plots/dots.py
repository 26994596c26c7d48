"""Dot plots: one line a request, one dot a competitor, on a logarithmic axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.report.plots.style import FAINT, INK, SERIES, WIDTH_IN, bare, log_axis, styled, svg_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE_IN = 0.155
"""The height of a line."""

TOP_IN, BOTTOM_IN = 0.34, 0.3

CROSS_GAP = 0.025
"""How far apart the crosses of one line are, as a share of its width."""


@dataclass(frozen=True, slots=True)
class Series:
    """One competitor: its name, its place among the colours, and its figure by request, if it has one."""

    name: str
    place: int
    figures: Mapping[str, float]

    def draw(self, axes: Axes, requests: Sequence[str], order: int) -> None:
        """Draw the dots, and a cross at the right for each request without a figure."""
        style: dict[str, Any] = {"color": SERIES[self.place], "zorder": 3 + order}
        at = [place for place, name in enumerate(requests) if name in self.figures]
        found = [self.figures[requests[place]] for place in at]
        axes.scatter(found, at, s=38 * 0.6**order, linewidths=0, label=self.name, **style)
        none = [place for place in range(len(requests)) if place not in at]
        right = [1 - CROSS_GAP * (order + 0.5)] * len(none)
        axes.scatter(right, none, s=16, marker="x", transform=axes.get_yaxis_transform(), **style)


def dots_svg(
    title: str,
    requests: Sequence[str],
    series: Sequence[Series],
    ticks: Mapping[float, str],
    best: float | None = None,
) -> str:
    """Return the plot, the first request on top, with a line at ``best``.

    Later series have smaller dots, so that all show where they coincide.
    """
    height = len(requests) * LINE_IN + TOP_IN + BOTTOM_IN
    values = [value for each in series for value in each.figures.values()]
    low, high = min(values, default=1) / 1.3, max(values, default=10) * 1.3
    with styled():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH_IN, height))
        axes = figure.subplots()
        axes.set_xscale("log")
        bare(axes)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.set_xlim(low, high)
        axes.set_ylim(len(requests) - 0.5, -0.5)
        axes.set_yticks(range(len(requests)), requests)
        axes.tick_params(axis="y", labelcolor=INK)
        log_axis(axes.xaxis, {at: label for at, label in ticks.items() if low <= at <= high})
        if best is not None:
            axes.axvline(best, color=FAINT, linewidth=1.2, zorder=1.5)
        for order, each in enumerate(series):
            each.draw(axes, requests, order)
        axes.set_title(title)
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            borderaxespad=0,
            ncols=len(series),
            frameon=False,
            labelcolor="linecolor",
            handletextpad=0,
            columnspacing=1,
        )
        figure.subplots_adjust(left=0.235, right=0.98, top=1 - TOP_IN / height, bottom=BOTTOM_IN / height)
        return svg_of(figure)
