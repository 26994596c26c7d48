"""Markdown: the report for a reader of the repository."""

from __future__ import annotations

from collections.abc import Iterator

from bench.report.document import Block, Code, Figure, Fold, Heading, Points, Report, Section, Table, Text


def markdown_of(report: Report, plots: str, command: str = "python -m bench.report") -> str:
    """Return the report, which ``command`` writes, as Markdown whose plots are files in ``plots``."""
    notice = f"<!-- Written by `{command}`; changes here are lost. -->"
    parts = [notice, f"# {report.title}", *report.summary, _contents(report)]
    for number, section in enumerate(report.sections, 1):
        parts.append(f"## {number}. {section.title}")
        for block in section.blocks:
            parts += _block(block, plots)
    return "\n\n".join(parts) + "\n"


def _contents(report: Report) -> str:
    return "\n".join(
        f"{number}. [{section.title}](#{_anchor(number, section)})"
        for number, section in enumerate(report.sections, 1)
    )


def _anchor(number: int, section: Section) -> str:
    """Return the anchor that hosts of Markdown give to a heading."""
    letters = f"{number} {section.title}".lower().replace(" ", "-")
    return "".join(letter for letter in letters if letter.isalnum() or letter == "-")


def _block(block: Block, plots: str) -> Iterator[str]:
    match block:
        case Text(text):
            yield text
        case Points(points):
            yield "\n".join(f"- {point}" for point in points)
        case Code(text):
            yield f"```sh\n{text}\n```"
        case Heading(text):
            yield f"### {text}"
        case Table():
            yield _table(block)
        case Figure(name, caption):
            yield f"![{caption}]({plots}/{name}.svg)"
        case Fold(summary, table):
            yield f"<details><summary>{summary}</summary>"
            yield _table(table)
            yield "</details>"


def _table(table: Table) -> str:
    head = tuple(_cell(text) for text in table.head)
    rows = [tuple(_cell(text) for text in row) for row in table.rows]
    widths = [max(3, *(len(row[at]) for row in (head, *rows))) for at in range(len(head))]
    rule = tuple(
        "-" * (width - 1) + ":" if side == "r" else "-" * width
        for width, side in zip(widths, table.align, strict=True)
    )
    return "\n".join(_line(row, widths, table.align) for row in (head, rule, *rows))


def _line(row: tuple[str, ...], widths: list[int], align: str) -> str:
    cells = [
        text.rjust(width) if side == "r" else text.ljust(width)
        for text, width, side in zip(row, widths, align, strict=True)
    ]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Return a cell's text without what would end the cell or be taken for a tag."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
