"""``sky catalog query``: SQL over the offers in use."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catalog.errors import UserError
from sky.cli.options import json_option

if TYPE_CHECKING:
    import pyarrow as pa

_FORMATS = (".arrow", ".csv", ".parquet")


@click.command("query", short_help="Ask the offers in use in SQL.")
@click.argument("statement")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, and nothing else, on stdout.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Write a file instead, by its ending: {', '.join(_FORMATS)}.",
)
@json_option
def query_command(*, statement: str, as_csv: bool, output: Path | None, as_json: bool) -> None:
    """Answer a SQL statement over the catalog in use, under your overlay.

    The view `offers` has a row for each cloud, region, zone, instance type and accelerator: prices in USD an
    hour, memory in GiB, null where nobody states a figure. The view `exact` has the same rows as integers.
    The SQL is DuckDB's (the extra `query` of this project). Files and the network are out of its reach.

    \b
    Examples:
      sky catalog query "DESCRIBE offers"
      sky catalog query "SELECT region, min(spot_price) FROM offers WHERE accelerator = 'H100' GROUP BY ALL"
      sky catalog query "SELECT * FROM offers WHERE cloud = 'gcp'" --output gcp.parquet
      sky catalog query "SELECT * FROM offers WHERE memory_gib > 4000" --json | jq '.[].instance_type'
    """
    from catalog.sql import select
    from sky.offers import offers_in_use

    if sum((as_csv, as_json, output is not None)) > 1:
        raise UserError("sky catalog query: give one of --json, --csv and --output")
    if output is not None and output.suffix not in _FORMATS:
        raise UserError(f"--output: {output} ends in none of {', '.join(_FORMATS)}")
    found = select(offers_in_use().table, statement)
    if output is not None:
        _write(found, output)
        click.echo(f"{found.num_rows:,} rows in {output}", err=True)
    elif as_csv:
        _write_csv(found, sys.stdout.buffer)
    elif as_json:
        from sky.cli.render import show_json

        show_json([{name: _plain(value) for name, value in row.items()} for row in found.to_pylist()])
    else:
        _show(found)


def _write(table: pa.Table, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        with path.open("wb") as file:
            _write_csv(table, file)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)


def _write_csv(table: pa.Table, stream: Any) -> None:
    from pyarrow import csv

    csv.write_csv(table, stream)


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def _show(table: pa.Table) -> None:
    import pyarrow as pa

    from sky.cli.render import show_table

    if not table.num_rows:
        click.echo("No row.")
        return
    numbers = [
        field.name
        for field in table.schema
        if pa.types.is_integer(field.type)
        or pa.types.is_floating(field.type)
        or pa.types.is_decimal(field.type)
    ]
    rows = zip(*(table.column(at).to_pylist() for at in range(table.num_columns)), strict=True)
    show_table(table.column_names, ([_cell(value) for value in row] for row in rows), right=numbers)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
