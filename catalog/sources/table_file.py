"""A table file of the user's own as a source: CSV or Parquet, in the columns of facts or in SkyPilot's.

Columns of facts are those of ``catalog.facts.FACTS``; ``region``, ``instance_type`` and ``price`` must be
there. SkyPilot's catalog files have InstanceType, vCPUs, MemoryGiB, AcceleratorName, AcceleratorCount,
GpuInfo, Price, SpotPrice, Region and AvailabilityZone; their rows without a type or without a price on demand
are no offers, and are left out.
"""

from __future__ import annotations

import ast
import csv
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.errors import SourceError
from catalog.facts import FACTS, facts, facts_of_rows
from catalog.sources.work import Work

if TYPE_CHECKING:
    import pyarrow as pa

_MIB_PER_GIB = 1_024
_REQUIRED = ("region", "instance_type", "price")
_SKYPILOT = {
    "InstanceType": "instance_type",
    "vCPUs": "vcpus",
    "MemoryGiB": "memory_gib",
    "AcceleratorName": "accelerator_name",
    "AcceleratorCount": "accelerator_count",
    "Price": "price",
    "SpotPrice": "spot_price",
    "Region": "region",
    "AvailabilityZone": "zone",
    "Arch": "arch",
}
_log = logging.getLogger("sky.catalog")


@dataclass(frozen=True, slots=True)
class TableFile:
    """The file at ``path`` as the list of one cloud, its prices in ``currency``.

    ``fetch`` raises ``SourceError`` that names the line of what it cannot read.
    """

    path: Path
    cloud: str
    currency: str = "USD"
    credentials: str = "It needs none."
    untold: None = None

    @property
    def name(self) -> str:
        """How errors and the folder of its work call it."""
        return f"{self.cloud}-file"

    def fetch(self, work: Work) -> pa.Table:
        """Return the rows of the file. Raises ``SourceError``."""
        read = self._parquet if self.path.suffix == ".parquet" else self._csv
        try:
            table = read(work)
        except OSError as error:
            raise work.fail(f"{self.path} cannot be read: {error.strerror or error}") from error
        work.progress(table.num_rows, table.num_rows, "rows")
        return table

    def _parquet(self, work: Work) -> pa.Table:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.ParquetFile(self.path).read()
        except pa.ArrowInvalid as error:
            raise work.fail(f"{self.path} is not Parquet: {error}") from error
        self._check_columns(table.column_names, FACTS.names, work)
        columns = {name: table[name] for name in table.column_names}
        rows = table.num_rows
        added = {"cloud": [self.cloud] * rows, "source": [self.path.name] * rows}
        return facts({**added, **columns}, self.currency)

    def _csv(self, work: Work) -> pa.Table:
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="")
            header = reader.fieldnames or []
            skypilot = {"InstanceType", "Price", "Region"} <= set(header)
            if not skypilot:
                self._check_columns(header, FACTS.names, work)
            read = _skypilot_row if skypilot else _plain_row
            return facts_of_rows(self._rows(reader, read, work), self.currency)

    def _rows(
        self,
        reader: csv.DictReader[str],
        read: Callable[[Mapping[str, str]], dict[str, Any] | None],
        work: Work,
    ) -> Iterator[dict[str, Any]]:
        left_out = 0
        try:
            for cells in reader:
                row = read(cells)
                if row is None:
                    left_out += 1
                else:
                    yield {"cloud": self.cloud, "source": self.path.name, **row}
        except (ValueError, csv.Error) as error:
            raise self._at(reader.line_num, str(error), work) from None
        if left_out:
            _log.info("%s: %d rows without a type or a price left out", self.path, left_out)

    def _check_columns(self, found: Sequence[str], known: Sequence[str], work: Work) -> None:
        unknown = [name for name in found if name not in known]
        missing = [name for name in _REQUIRED if name not in found]
        if unknown or missing:
            wrong = [f"column {name!r} is not known" for name in unknown]
            wrong += [f"{name} is missing" for name in missing]
            raise self._at(1, f"{'; '.join(wrong)}. Columns are: {', '.join(known)}", work)

    def _at(self, line: int, message: str, work: Work) -> SourceError:
        return work.fail(f"{self.path}:{line}: {message}")


def _plain_row(cells: Mapping[str, str]) -> dict[str, Any]:
    _check_length(cells)
    row = {name: _value(name, text.strip()) for name, text in cells.items() if text.strip()}
    empty = [name for name in _REQUIRED if name not in row]
    if empty:
        raise ValueError(f"{', '.join(empty)} is empty")
    return row


def _skypilot_row(cells: Mapping[str, str]) -> dict[str, Any] | None:
    _check_length(cells)
    row = {
        name: _value(name, text.strip())
        for column, name in _SKYPILOT.items()
        if (text := cells.get(column) or "").strip()
    }
    if not row.get("instance_type") or not row.get("price"):
        return None
    if "region" not in row:
        raise ValueError("Region is empty")
    memory_gib = _accelerator_memory_gib(cells.get("GpuInfo") or "")
    return {**row, "accelerator_memory_gib": memory_gib} if row.get("accelerator_name") else row


def _check_length(cells: Mapping[str, str]) -> None:
    if "" in cells or None in cells.values():
        raise ValueError("has more or fewer cells than the header")


def _value(name: str, text: str) -> Any:
    kind = str(FACTS.field(name).type)
    try:
        if kind in {"float", "double"}:
            return float(text)
        return date.fromisoformat(text) if kind.startswith("date") else text
    except ValueError:
        what = "a date such as 2026-05-20" if kind.startswith("date") else "a number"
        raise ValueError(f"{name} is not {what}: {text!r}") from None


def _accelerator_memory_gib(info: str) -> float | None:
    """Return the memory of one accelerator from a cell of GpuInfo, a dictionary as text; ``None`` without."""
    if not info.strip():
        return None
    try:
        gpu = ast.literal_eval(info)["Gpus"][0]
        return float(gpu["MemoryInfo"]["SizeInMiB"]) / _MIB_PER_GIB
    except (ValueError, SyntaxError, LookupError, TypeError):
        raise ValueError(f"GpuInfo is not understood: {info[:60]!r}") from None
