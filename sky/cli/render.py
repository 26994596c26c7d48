"""Values -> text: tables for people, JSON for programs.

On a terminal a table fits its width; elsewhere (a pipe, a file) each row is one line, unless ``COLUMNS`` says
how wide to be. Colour follows the terminal and ``NO_COLOR``.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Collection, Iterable, Sequence
from enum import Enum
from typing import Any

import click
from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from catalog.units import format_seconds

_UNLIMITED = 10_000
_COLOURS = {
    "UP": "green", "RUNNING": "green", "SUCCEEDED": "green", "OPTIMAL": "green", "yes": "green",
    "INIT": "yellow", "PENDING": "yellow", "SETTING_UP": "yellow", "FEASIBLE": "yellow",
    "FAILED": "red", "FAILED_SETUP": "red", "FAILED_DRIVER": "red",
}  # fmt: skip
_NONE = "-"


def console() -> Console:
    """Return a console on stdout with the width to use there."""
    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _UNLIMITED
    return Console(highlight=False, width=wide, emoji=False, markup=False)


def show_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[str] = (),
    wrap: Collection[str] = (),
) -> None:
    """Print a table; words of known states have their colour.

    ``right`` names the columns of numbers, ``wrap`` those that give way where the width is short.
    Columns stand two spaces apart, or one where they would not fit.
    """
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0)
    )
    if not sys.stdout.isatty():
        table.box = None
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column not in wrap)
    for row in rows:
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    screen = console()
    if screen.measure(table, options=screen.options.update(width=_UNLIMITED)).maximum > screen.width:
        table.padding = (0, 1, 0, 0)
    with screen.capture() as captured:
        screen.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def show_line(text: str) -> None:
    """Print a sentence, folded between words where the width is short."""
    click.echo(textwrap.fill(text, console().width, subsequent_indent="  ", break_on_hyphens=False))


def show_json(value: Any) -> None:
    """Print ``value`` as JSON; enumerations by name."""
    click.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    raise TypeError(f"{type(value).__name__} has no JSON form")


def ago(then: float | None, now: float) -> str:
    """Return how long ago ``then`` was, in its largest unit: ``5m ago``; ``-`` when it has not been."""
    if not then:
        return _NONE
    return f"{format_seconds(max(0, int(now - then))).split()[0]} ago"


def lasted(start: float | None, end: float | None, now: float) -> str:
    """Return the time from ``start`` to ``end``, or to now; ``-`` before it starts."""
    if not start:
        return _NONE
    return format_seconds(max(0, int((now if end is None else end) - start)))


def autostop_text(minutes: int, down: bool) -> str:
    """Return what the AUTOSTOP column shows: ``10m``, ``10m (down)`` or ``-``."""
    if minutes < 0:
        return _NONE
    return f"{minutes}m (down)" if down else f"{minutes}m"
