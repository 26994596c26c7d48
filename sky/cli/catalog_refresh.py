"""``sky catalog refresh``."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalog.errors import UserError
from sky.cli.options import json_option

if TYPE_CHECKING:
    from catalog.outcome import Outcome
    from catalog.sources.base import Source
    from catalog.sources.work import Progress

_COLUMNS = ("CLOUD", "STATUS", "ROWS", "APART", "ADDED", "GONE", "DEARER", "CHEAPER", "SPOT")


@click.command("refresh", short_help="Fetch new prices, check them, and use them.")
@click.option("--cloud", "-c", "clouds", multiple=True, metavar="CLOUD", help="Only this one; repeatable.")
@click.option("--jobs", "-j", type=click.IntRange(min=1), metavar="N", help="How many to ask at a time (4).")
@click.option(
    "--accept",
    multiple=True,
    metavar="GATE",
    help="Overrule this gate after a look at what it found; repeatable. It is recorded.",
)
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take the prices of the one --cloud from a CSV or Parquet file.",
)
@click.option("--currency", default="USD", metavar="CODE", help="What the prices in --file are in (USD).")
@click.option("--fresh", is_flag=True, help="Fetch all anew; use nothing that an interrupted refresh left.")
@click.option("--gates", is_flag=True, help="List the gates, and do nothing.")
@json_option
def refresh_command(
    *,
    clouds: tuple[str, ...],
    jobs: int | None,
    accept: tuple[str, ...],
    path: Path | None,
    currency: str,
    fresh: bool,
    gates: bool,
    as_json: bool,
) -> int:
    """Fetch prices from the providers, check them, and plan with them from now on.

    Rows that cannot be true are set apart in a file, with the reason; the old ones stay. A source that fails,
    or whose prices moved as a whole, changes nothing of its cloud, and the others go on; the exit code is 1
    then. A refresh that was interrupted goes on where it stopped. Nobody ever sees half of one.

    \b
    Examples:
      sky catalog refresh
      sky catalog refresh --cloud aws --cloud gcp --json
      sky catalog refresh --cloud aws --accept moved
      sky catalog refresh --cloud acme --file prices.csv
    """
    if gates:
        _show_gates(as_json)
        return 0
    from catalog.refresh import JOBS, refresh

    sources = _sources(clouds, path, currency)
    again = fresh or path is not None
    outcome = refresh(sources, jobs=jobs or JOBS, accept=accept, fresh=again, report=_Teller())
    if as_json:
        from sky.cli.render import show_json

        show_json(outcome.to_dict())
    else:
        _show(outcome)
    return 0 if outcome.ok else 1


def _sources(clouds: Sequence[str], path: Path | None, currency: str) -> tuple[Source, ...]:
    if path is None:
        from catalog.refresh import chosen

        return chosen(clouds)
    from catalog.sources.table_file import TableFile

    if len(clouds) != 1:
        raise UserError("--file: name the one cloud of these prices with --cloud")
    return (TableFile(path, clouds[0], currency),)


class _Teller:
    """Says on stderr how far each source is, every other second to a person, seldom to a log."""

    def __init__(self) -> None:
        self._pause_s = 2 if sys.stderr.isatty() else 30
        self._said_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._said_at.setdefault(progress.source, now) < self._pause_s:
                return
            self._said_at[progress.source] = now
        of = f" of {_amount(progress.total, progress.unit)}" if progress.total else ""
        click.echo(
            f"{progress.source}: {_amount(progress.done, progress.unit)}{of} {progress.unit}", err=True
        )


def _amount(count: int, unit: str) -> str:
    return f"{count / 1e6:,.1f} M" if unit == "bytes" else f"{count:,}"


def _show(outcome: Outcome) -> None:
    from sky.cli.render import show_line, show_table

    rows = []
    for each in outcome.sources:
        changed = outcome.changes.get(each.cloud)
        moved = (
            (changed.added, changed.gone, changed.dearer, changed.cheaper, changed.spot)
            if changed
            else (0,) * 5
        )
        figures = (each.rows, each.quarantined, *moved)
        rows.append(
            (each.cloud, each.status.value, *(f"{figure:,}" if figure else "-" for figure in figures))
        )
    show_table(_COLUMNS, rows, right=_COLUMNS[2:])
    for each in outcome.sources:
        if each.error:
            show_line(each.error)
        for found in each.findings:
            what = f"{found.rows:,} rows: {found.reason}" if found.rows else found.reason
            end = "; overruled" if found.accepted else ""
            show_line(f"{each.cloud}: {found.gate}: {what}{end}.")
        if each.quarantine:
            show_line(f"{each.cloud}: the rows set apart are in {each.quarantine}.")
        if each.status.value == "held back":
            gates = [found.gate for found in each.findings if not found.rows and not found.accepted]
            words = " ".join(f"--accept {gate}" for gate in gates)
            command = f"sky catalog refresh -c {each.cloud} {words}"
            show_line(f"{each.cloud}: its old prices stay; if the new ones are right: {command}")
    if outcome.before == outcome.snapshot_id:
        show_line(f"Nothing changed: {outcome.rows:,} offers, snapshot {outcome.snapshot_id[:12]}.")
    else:
        back = f"back with: sky catalog use {outcome.before[:12]}"
        show_line(f"Plans now use {outcome.snapshot_id[:12]}: {outcome.rows:,} offers; {back}")


def _show_gates(as_json: bool) -> None:
    from catalog.quality import GATES
    from sky.cli.render import show_json, show_table

    if as_json:
        show_json(GATES)
    else:
        show_table(("GATE", "WHAT MUST HOLD"), list(GATES.items()), wrap=("WHAT MUST HOLD",))
