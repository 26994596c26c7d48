"""A snapshot of ten times today's offers: each region ten times over, under names of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.snapshot import Snapshot

TIMES = 10


def write_large_catalog(folder: Path) -> Snapshot:
    """Write the snapshot into ``folder`` and open it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from catalog.conform import conform
    from catalog.snapshot import read_snapshot, write_snapshot
    from catalog.store import open_snapshot

    table = open_snapshot().table
    at = table.schema.get_field_index("region")
    copies = []
    for number in range(TIMES):
        names = table["region"].cast(pa.utf8())
        copies.append(table.set_column(at, "region", pc.binary_join_element_wise(names, f"{number}", "~")))
    folder.mkdir(parents=True, exist_ok=True)
    write_snapshot(conform(pa.concat_tables(copies)), folder)
    return read_snapshot(folder)
