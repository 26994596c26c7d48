"""Facts: what a source says about offers, in the units of price lists, before the catalog takes them over.

A row is one (cloud, region, zone, instance type, accelerator, accelerator count), the price of a whole node
with its accelerators. ``catalog.build`` turns facts into offers. The currency stands in the metadata of the
table, because one list has one currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.accelerators import canonical
from catalog.atomic_file import replacing
from catalog.errors import CatalogError
from catalog.families import architecture

USD = "USD"
"""The currency of the catalog."""

FACTS: pa.Schema = pa.schema(
    [
        pa.field("cloud", pa.utf8(), nullable=False),
        pa.field("region", pa.utf8(), nullable=False),
        pa.field("zone", pa.utf8()),
        pa.field("instance_type", pa.utf8(), nullable=False),
        pa.field("arch", pa.utf8()),
        pa.field("vcpus", pa.float32()),
        pa.field("memory_gib", pa.float32()),
        pa.field("accelerator_name", pa.utf8()),
        pa.field("accelerator_count", pa.float32()),
        pa.field("accelerator_memory_gib", pa.float32()),
        pa.field("price", pa.float64(), nullable=False),
        pa.field("spot_price", pa.float64()),
        pa.field("interruption_rate", pa.float32()),
        pa.field("price_as_of", pa.date32()),
        pa.field("spot_as_of", pa.date32()),
        pa.field("source", pa.utf8(), nullable=False),
    ]
)
"""The columns of facts.

``arch`` is ``x86_64`` or ``arm64``; where it is null, the type's name decides. Memory is GiB, that of one
accelerator for ``accelerator_memory_gib``. Prices are an hour, without tax, for Linux on shared hardware.
``interruption_rate`` is the chance in a month, 0 to 1. The dates are those of the list a price comes from.
Null stands for "none" and for "unknown".
"""

ARCHITECTURES = ("arm64", "x86_64")


def facts(columns: Mapping[str, Sequence[Any] | pa.Array | pa.ChunkedArray], currency: str = USD) -> pa.Table:
    """Return ``columns`` as a table of facts; those left out are null.

    Raises ``CatalogError`` for an unknown column, a value of another type, or a required value that is null.
    """
    unknown = sorted(columns.keys() - set(FACTS.names))
    if unknown:
        raise CatalogError(f"facts have no column {', '.join(unknown)}; catalog/facts.py lists all columns")
    rows = max((len(column) for column in columns.values()), default=0)
    arrays = [_column(field, columns.get(field.name), rows) for field in FACTS]
    table = pa.Table.from_arrays(arrays, schema=FACTS.with_metadata({"currency": currency}))
    check(table)
    return table


def facts_of_rows(rows: Iterable[Mapping[str, Any]], currency: str = USD) -> pa.Table:
    """Return ``rows``, each a mapping of column name to value, as a table of facts. Raises as ``facts``."""
    columns: dict[str, list[Any]] = {name: [] for name in FACTS.names}
    for row in rows:
        if not row.keys() <= columns.keys():
            unknown = sorted(row.keys() - columns.keys())
            raise CatalogError(f"facts have no column {', '.join(unknown)}: {dict(row)}")
        for name, values in columns.items():
            values.append(row.get(name))
    return facts(columns, currency)


def check(table: pa.Table) -> None:
    """Raise ``CatalogError`` when ``table`` lacks a column, has one of another type or a null too many."""
    if not table.schema.equals(FACTS):
        wrong = [
            f"{field.name} ({field.type})"
            for field in FACTS
            if field.name not in table.column_names or table.schema.field(field.name) != field
        ]
        raise CatalogError(
            f"not a table of facts: missing, or of another type, {', '.join(wrong) or 'order of columns'};"
            " make it with catalog.facts.facts"
        )
    for field in FACTS:
        if not field.nullable and table[field.name].null_count:
            raise CatalogError(f"facts: {field.name} is empty in {table[field.name].null_count} rows")


def tidied(table: pa.Table) -> pa.Table:
    """Return ``table`` with canonical accelerator names, no empty text, and the architectures that it lacks.

    An architecture that a source does not state is read from the provider's naming rule.
    """
    plain = {
        name: [value or None for value in table[name].to_pylist()]
        for name in ("zone", "accelerator_name", "arch")
    }
    names = {name: name and canonical(name) for name in set(plain["accelerator_name"])}
    shapes = zip(plain["arch"], table["cloud"].to_pylist(), table["instance_type"].to_pylist(), strict=True)
    columns = {
        **{name: table[name] for name in FACTS.names},
        "zone": plain["zone"],
        "accelerator_name": [names[name] for name in plain["accelerator_name"]],
        "arch": [arch or architecture(cloud, instance_type) for arch, cloud, instance_type in shapes],
    }
    return facts(columns, currency(table))


def currency(table: pa.Table) -> str:
    """Return the currency that a table of facts states, USD where it states none."""
    stated: bytes = (table.schema.metadata or {}).get(b"currency", USD.encode())
    return stated.decode()


def write_facts(table: pa.Table, path: Path) -> None:
    """Write facts as Parquet; ``path`` is there whole or not at all. Raises ``CatalogError`` as ``check``."""
    import pyarrow.parquet as pq

    check(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        pq.write_table(table, file, compression="zstd")


def read_facts(path: Path) -> pa.Table:
    """Return the facts of a Parquet file. Raises ``CatalogError`` when it cannot be read or is not facts."""
    import pyarrow.parquet as pq

    try:
        # ParquetFile, not read_table: the latter goes through pyarrow.dataset, which imports pandas.
        table = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowInvalid) as error:
        raise CatalogError(f"{path} cannot be read ({error}); delete it and refresh again") from error
    check(table)
    return table


def _column(field: pa.Field, values: Any, rows: int) -> Any:
    if values is None:
        return pa.nulls(rows, field.type)
    try:
        if isinstance(values, pa.Array | pa.ChunkedArray):
            return values.cast(field.type)
        return pa.array(values, field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise CatalogError(f"facts: column {field.name} is not {field.type}: {error}") from error
