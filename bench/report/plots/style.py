"""Style: what all plots share, and how a plot becomes text that never changes by itself."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, GRID, PAPER = "#33373d", "#6b7078", "#e3e5e8", "#fefefe"
"""Text and axes, lesser text, the grid, and what lies behind."""

SERIES = ("#0068a8", "#d0551b", "#00876a", "#b04a8f", "#8a6a00", "#4b4fb5", "#5f6b76")
"""Colours that the colour-blind can tell apart, in the order of the competitors."""

TIMES = {
    1e-5: "10 µs",
    1e-4: "0.1 ms",
    1e-3: "1 ms",
    1e-2: "10 ms",
    1e-1: "0.1 s",
    1.0: "1 s",
    10.0: "10 s",
    100.0: "100 s",
    1e3: "1,000 s",
}
"""The ticks of an axis of seconds."""

WIDTH_IN = 700 / 96
"""The width of every plot: 700 pixels of a page."""

_RULES: dict[Any, Any] = {
    "svg.hashsalt": "bench.report",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.labelcolor": FAINT,
    "axes.titlecolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "figure.facecolor": PAPER,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
}
_FONTS = "'DejaVu Sans', Verdana, Arial, sans-serif"


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style for a while."""
    import matplotlib as mpl

    with mpl.rc_context(_RULES):
        yield


def svg_of(figure: Figure) -> str:
    """Return a plot as SVG, without a date and with text that stays text. Call it while ``styled``."""
    written = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(written, format="svg", metadata=nothing)
    lines = written.getvalue().replace("'DejaVu Sans'", _FONTS).splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def log_axis(axis: Any, labels: Mapping[float, str]) -> None:
    """Give a logarithmic axis these ticks and no others."""
    axis.set_major_locator(_fixed(list(labels)))
    axis.set_major_formatter(_named(list(labels.values())))
    axis.set_minor_locator(_fixed([]))


def apart(positions: list[float], least: float) -> list[float]:
    """Return positions moved as little as it takes for them to be ``least`` apart, in the same order."""
    order = sorted(range(len(positions)), key=lambda at: positions[at])
    groups: list[list[int]] = []
    centres: list[float] = []
    for at in order:
        groups.append([at])
        centres.append(positions[at])
        while len(groups) > 1 and _edge(centres[-1], groups[-1], least, -1) < _edge(
            centres[-2], groups[-2], least, 1
        ):
            merged = groups[-2] + groups[-1]
            groups[-2:] = [merged]
            centres[-2:] = [sum(positions[each] for each in merged) / len(merged)]
    moved = list(positions)
    for group, centre in zip(groups, centres, strict=True):
        for rank, at in enumerate(group):
            moved[at] = centre + (rank - (len(group) - 1) / 2) * least
    return moved


def bare(axes: Axes) -> None:
    """Take the marks of the ticks away; the grid says where they are."""
    axes.tick_params(length=0)


def _edge(centre: float, group: list[int], least: float, side: int) -> float:
    return centre + side * len(group) * least / 2


def _fixed(places: list[float]) -> Any:
    from matplotlib.ticker import FixedLocator

    return FixedLocator(places)


def _named(labels: list[str]) -> Any:
    from matplotlib.ticker import FixedFormatter

    return FixedFormatter(labels)
