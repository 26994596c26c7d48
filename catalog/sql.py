"""SQL over a table of offers, by DuckDB on the Arrow buffers in place; the extra ``query`` installs it.

Statements see two views and nothing else: no file, no network, no setting can be reached from one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.errors import SkyError, UserError

if TYPE_CHECKING:
    import pyarrow as pa

_OFFERS = """
create view offers as select
  cast(cloud as varchar) as cloud, cast(region as varchar) as region, cast(zone as varchar) as zone,
  cast(instance_type as varchar) as instance_type, cast(arch as varchar) as arch,
  nullif(vcpus_milli, 0) / 1000 as vcpus, nullif(memory_mib, 0) / 1024 as memory_gib,
  nullif(cast(accelerator as varchar), '') as accelerator,
  accelerator_count_milli / 1000 as accelerator_count,
  nullif(accelerator_memory_mib, 0) / 1024 as accelerator_memory_gib,
  nullif(accelerator_gflops_bf16, 0) / 1000 as accelerator_tflops_bf16,
  burstable, bare_metal, restricted_region,
  price_micro_usd / 1e6 as price, spot_price_micro_usd / 1e6 as spot_price,
  interruption_ppm / 1e6 as interruption_rate, price_as_of, spot_as_of, cast(source as varchar) as source
from exact
"""

VIEWS = {
    "offers": "in the units that people use: GiB, USD an hour; what is unknown is null",
    "exact": "the integers of the snapshot (docs/catalog.md): MiB, micro-USD",
}
"""What a statement can select from."""


def select(table: pa.Table, statement: str) -> pa.Table:
    """Return the result of a SQL ``statement`` over ``table`` (schema ``catalog.schema.OFFERS``).

    Raises ``UserError`` for a statement that DuckDB refuses, ``SkyError`` where DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise SkyError("SQL needs DuckDB: pip install 'skysolve[query]'") from None
    connection = duckdb.connect(config={"enable_external_access": "false", "threads": "2"})
    try:
        connection.register("exact", table)
        connection.execute(_OFFERS)
        connection.execute("set python_enable_replacements = false")
        connection.execute("set lock_configuration = true")
        relation = connection.sql(statement)
        found: pa.Table | None = relation.to_arrow_table() if relation else None
    except duckdb.Error as error:
        raise UserError(f"{error}\nThere are the views {' and '.join(VIEWS)}; try: DESCRIBE offers") from None
    else:
        if found is None:
            raise UserError("that returns no rows; try: SELECT cloud, count(*) FROM offers GROUP BY ALL")
        return found
    finally:
        connection.close()
