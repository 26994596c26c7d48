"""HTML: the report as one page that needs nothing else, in the reader's light or dark."""

from __future__ import annotations

import re
from pathlib import Path

from bench.report.document import Figure, Report
from bench.report.plots.style import FAINT, GRID, INK, PAPER, SERIES

TEMPLATES = Path(__file__).parent / "templates"

_VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
    **{colour: f"var(--series-{at})" for at, colour in enumerate(SERIES)},
}


def html_of(report: Report) -> str:
    """Return the page."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["inline"] = lambda text: Markup(_inline(text))
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    environment.filters["drawing"] = lambda figure: Markup(drawing(figure))
    return environment.get_template("report.html.j2").render(report=report, series=list(enumerate(SERIES)))


def drawing(figure: Figure) -> str:
    """Return a plot to stand within the page: in the page's colours, with ids of its own."""
    from markupsafe import escape

    svg = figure.svg[figure.svg.index("<svg") :].strip()
    svg = re.sub(r'\s+xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", svg)
    svg = re.sub(r'\bid="', f'id="{figure.name}-', svg)
    svg = re.sub(r'xlink:href="#|(url\()#', lambda found: _reference(found[1], figure.name), svg)
    svg = re.sub(r'<style type="text/css">.*?</style>', "", svg, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(figure.caption)}"', 1)


def _reference(opening: str | None, name: str) -> str:
    return f"{opening}#{name}-" if opening else f'href="#{name}-'


def _inline(text: str) -> str:
    from markupsafe import escape

    marked = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(text)))
    return re.sub(r"`(.+?)`", r"<code>\1</code>", marked)
