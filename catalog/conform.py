"""Bring a table of offers into the one schema: columns in order, rows sorted by key, dictionaries sorted."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catalog.errors import CatalogError
from catalog.schema import KEY, OFFERS, TEXT_COLUMNS


def conform(table: pa.Table) -> pa.Table:
    """Return ``table`` in the schema ``OFFERS``, as one chunk with its metadata kept; idempotent.

    Text may be plain or dictionary-encoded. Raises ``CatalogError`` when a column is missing or of another
    kind, a required value is null, or two rows share a key.
    """
    missing = [name for name in OFFERS.names if name not in table.column_names]
    if missing:
        raise CatalogError(f"a catalog table lacks {', '.join(missing)}; catalog/schema.py lists all columns")
    try:
        plain = pa.table({name: table[name].cast(_plain_type(name)) for name in OFFERS.names})
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CatalogError(f"a column is not of the type that catalog/schema.py states: {error}") from error
    for field in OFFERS:
        if not field.nullable and plain[field.name].null_count:
            raise CatalogError(f"column {field.name} has nulls, which its schema does not allow")
    distinct = plain.group_by(list(KEY)).aggregate([]).num_rows
    if distinct != plain.num_rows:
        raise CatalogError(f"{plain.num_rows - distinct} rows have a key ({', '.join(KEY)}) of another row")
    ordered = plain.take(pc.sort_indices(plain, sort_keys=[(name, "ascending") for name in KEY]))
    arrays = [_encoded(ordered[field.name].combine_chunks(), field) for field in OFFERS]
    return pa.table(arrays, schema=OFFERS.with_metadata(table.schema.metadata))


def _plain_type(name: str) -> Any:
    return pa.utf8() if name in TEXT_COLUMNS else OFFERS.field(name).type


def _encoded(array: Any, field: Any) -> Any:
    """Return text as codes into its sorted dictionary, and anything else as it is."""
    if field.name not in TEXT_COLUMNS:
        return array
    values = pc.unique(array)
    words = values.take(pc.sort_indices(values))
    return pa.DictionaryArray.from_arrays(pc.index_in(array, value_set=words).cast(pa.int16()), words)
