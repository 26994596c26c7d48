"""Document: what a report consists of, whichever form it is written in.

Text may hold `code` in backticks and **strong** words; nothing else is markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

KEPT, MISSED = "✔ kept", "✘ missed"


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Points:
    """A list of sentences."""

    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines as they are typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells. ``align`` has one letter a column: ``l`` for words, ``r`` for figures."""

    head: tuple[str, ...]
    align: str
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        widths = {len(self.head), len(self.align), *map(len, self.rows)}
        assert len(widths) == 1, f"a table of {widths} columns"


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot, the name of its file, and what it shows to those who cannot see it."""

    name: str
    caption: str
    svg: str


@dataclass(frozen=True, slots=True)
class Fold:
    """What is shown on request only."""

    summary: str
    table: Table


Block: TypeAlias = Text | Points | Code | Heading | Table | Figure | Fold


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole; ``summary`` stands above the first section."""

    title: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]

    def figures(self) -> tuple[Figure, ...]:
        """Return the plots in order."""
        return tuple(
            block for section in self.sections for block in section.blocks if isinstance(block, Figure)
        )
