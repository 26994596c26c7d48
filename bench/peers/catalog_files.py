"""Our offers in the CSV files that a peer reads, and which of them it can be given.

A peer differs from us in how it writes an offer down:

- GCP machines and the accelerators that are attached to them stand in rows of their own, whose prices add
  up. Of N1 both have a price; elsewhere the machine's row holds the price of both, and a TPU's own row does.
- A machine of AWS and GCP must name its zone; Azure, Lambda and Nebius have none, and no such column.
- It knows no rule about architectures, burstable machines or regions that need approval, so what our
  optimizer leaves out by default is left out of the files.
- A cloud without offers needs a file with a header, or the peer tries to download one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.units import MIB_PER_GIB, MILLI, usd

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]
"""One offer: the columns of ``catalog.schema`` by name."""

ZONED = frozenset({"aws", "gcp"})

_DISPLAY = {"aws": "AWS", "azure": "Azure", "gcp": "GCP", "lambda": "Lambda", "nebius": "Nebius"}
_OLD_CLOUDS = ("cudo", "do", "fluidstack", "ibm", "oci", "paperspace", "runpod", "scp", "vast", "vsphere")
_NEW_CLOUDS = ("hyperbolic", "mithril", "primeintellect", "seeweb", "shadeform", "verda", "yotta")
_OLD_GCP = ("A100", "A100-80GB", "H100", "H100-MEGA", "L4", "P100", "P4", "T4", "V100")
_COLUMNS = (
    "InstanceType",
    "AcceleratorName",
    "AcceleratorCount",
    "vCPUs",
    "MemoryGiB",
    "GpuInfo",
    "Price",
    "SpotPrice",
    "Region",
)
_HEADERS = {
    "images.csv": ("Tag", "Region", "OS", "OSVersion", "ImageId", "CreationDate", "BaseImageId"),
    "aws/instance_quota_mapping.csv": ("InstanceType", "SpotInstanceCode", "OnDemandInstanceCode"),
    "gcp/accelerator_quota_mapping.csv": ("Accelerator", "SpotInstanceCode", "OnDemandInstanceCode"),
}


@dataclass(frozen=True, slots=True)
class Format:
    """What one release of a peer reads.

    ``clouds`` are those of ours that it knows, ``others`` want an empty file. ``gcp_accelerators`` are the
    GPUs for which it knows the GCP machine; any other would be attached to a wrong one.
    """

    version: str
    clouds: tuple[str, ...]
    others: tuple[str, ...]
    gcp_accelerators: frozenset[str]
    extra_columns: tuple[str, ...] = ()


V6 = Format("v6", ("aws", "azure", "gcp", "lambda"), _OLD_CLOUDS, frozenset(_OLD_GCP))

V8 = Format(
    "v8",
    ("aws", "azure", "gcp", "lambda", "nebius"),
    _OLD_CLOUDS + _NEW_CLOUDS,
    frozenset((*_OLD_GCP, "B200", "H200", "RTXPRO6000")),
    ("Arch", "LocalDiskType", "NVMeSupported", "LocalDiskSize", "LocalDiskCount"),
)


def shared_offers(table: pa.Table, form: Format) -> pa.Table:
    """Return the offers that a reader of ``form`` can be given, and that we take without being asked."""
    import numpy as np
    import pyarrow as pa

    from catalog import query

    gcp = query.mask_equal(table, "cloud", "gcp")
    none = query.mask_equal(table, "accelerator", "")
    tpu = query.mask_equal(table, "instance_type", "TPU-VM")
    whole = query.view(table, "accelerator_count_milli") % MILLI == 0
    kept = query.mask_in(table, "cloud", form.clouds)
    kept &= ~query.mask_in(table, "cloud", ZONED) | ~query.mask_equal(table, "zone", "")
    kept &= query.mask_equal(table, "arch", "x86_64")
    for flag in ("burstable", "bare_metal", "restricted_region"):
        kept &= ~query.view(table, flag)
    kept &= ~gcp | none | tpu | (whole & query.mask_in(table, "accelerator", form.gcp_accelerators))
    return table.take(pa.array(np.flatnonzero(kept)))


def write_catalog(table: pa.Table, form: Format, home: Path) -> Path:
    """Write ``table``, as ``shared_offers`` returns it, under ``home`` and return the folder of the files."""
    folder = home / ".sky" / "catalogs" / form.version
    by_cloud: dict[str, list[Row]] = {cloud: [] for cloud in form.clouds}
    for row in table.to_pylist():
        by_cloud[row["cloud"]].append(row)
    for cloud, rows in by_cloud.items():
        columns = (*_COLUMNS, *(("AvailabilityZone",) if cloud in ZONED else ()), *form.extra_columns)
        lines = _gcp_lines(rows) if cloud == "gcp" else map(_line, rows)
        _write(folder / cloud / "vms.csv", columns, lines)
    for cloud in form.others:
        _write(folder / cloud / "vms.csv", (*_COLUMNS, "AvailabilityZone", *form.extra_columns))
    for cloud in (*form.clouds, *form.others, "kubernetes"):
        _write(folder / cloud / "images.csv", _HEADERS["images.csv"])
    for name in ("aws/instance_quota_mapping.csv", "gcp/accelerator_quota_mapping.csv"):
        _write(folder / name, _HEADERS[name])
    _write_accelerators(folder / "common", by_cloud)
    return folder


def _line(row: Row) -> dict[str, object]:
    """Return the line of an offer that needs no splitting."""
    named = {
        "AcceleratorName": row["accelerator"],
        "AcceleratorCount": _number(row["accelerator_count_milli"]),
    }
    return {
        **_place(row),
        **_machine(row),
        **(named if row["accelerator"] else {}),
        "GpuInfo": _gpu_info(row),
        "Price": _price(row["price_micro_usd"]),
        "SpotPrice": _price(row["spot_price_micro_usd"]),
    }


def _gcp_lines(rows: Iterable[Row]) -> Iterator[dict[str, object]]:
    """Yield GCP's machines, then one line an accelerator, count and zone."""
    rows = list(rows)
    hosts = {(row["zone"], row["instance_type"]): row for row in rows if not row["accelerator"]}
    attached: dict[tuple[str, str, int], dict[str, object]] = {}
    for row in rows:
        host = hosts.get((row["zone"], row["instance_type"]))
        if not row["accelerator"]:
            yield _line(row)
            continue
        if host is None and row["instance_type"] != "TPU-VM":
            yield {**_line(row), "AcceleratorName": "", "AcceleratorCount": "", "GpuInfo": ""}
        key = (row["zone"], row["accelerator"], row["accelerator_count_milli"])
        if key not in attached:
            attached[key] = _attached(row, host)
    yield from attached.values()


def _attached(row: Row, host: Row | None) -> dict[str, object]:
    """Return the line of an accelerator alone: what ``row`` costs beyond ``host``, or nothing without one.

    The difference may be a millionth of a dollar off for other hosts, since offers are rounded sums.
    """
    price, spot = row["price_micro_usd"], row["spot_price_micro_usd"]
    if host is not None:
        price -= host["price_micro_usd"]
        known = spot is not None and host["spot_price_micro_usd"] is not None
        spot = spot - host["spot_price_micro_usd"] if known else None
    elif row["instance_type"] != "TPU-VM":
        price, spot = 0, None if spot is None else 0
    return {
        **_place(row),
        "AcceleratorName": row["accelerator"],
        "AcceleratorCount": _number(row["accelerator_count_milli"]),
        "GpuInfo": _gpu_info(row),
        "Price": _price(price),
        "SpotPrice": _price(spot),
    }


def _place(row: Row) -> dict[str, object]:
    return {"Region": row["region"], "AvailabilityZone": row["zone"], "Arch": row["arch"]}


def _machine(row: Row) -> dict[str, object]:
    return {
        "InstanceType": row["instance_type"],
        "vCPUs": _number(row["vcpus_milli"]),
        "MemoryGiB": f"{row['memory_mib'] / MIB_PER_GIB:g}",
    }


def _number(milli: int) -> str:
    return f"{milli / MILLI:g}"


def _price(micro_usd: int | None) -> str:
    return "" if micro_usd is None else f"{usd(micro_usd):.6f}"


def _gpu_info(row: Row) -> str:
    if not row["accelerator"]:
        return ""
    gpu = {
        "Name": row["accelerator"],
        "Count": row["accelerator_count_milli"] // MILLI,
        "MemoryInfo": {"SizeInMiB": row["accelerator_memory_mib"]},
    }
    return repr({"Gpus": [gpu], "TotalGpuMemoryInMiB": row["accelerator_memory_mib"]})


def _write_accelerators(folder: Path, by_cloud: Mapping[str, list[Row]]) -> None:
    clouds: dict[str, set[str]] = {}
    memory: dict[str, int] = {}
    for cloud, rows in by_cloud.items():
        for row in rows:
            if row["accelerator"]:
                clouds.setdefault(row["accelerator"], set()).add(_DISPLAY[cloud])
                memory[row["accelerator"]] = row["accelerator_memory_mib"] // MIB_PER_GIB
    named = [{"AcceleratorName": name, "Clouds": str(sorted(clouds[name]))} for name in sorted(clouds)]
    sizes = [{"GPU": name, "MemoryGB": memory[name], "Manufacturer": ""} for name in sorted(clouds)]
    _write(folder / "accelerators.csv", ("AcceleratorName", "Clouds"), named)
    _write(folder / "metadata.csv", ("GPU", "MemoryGB", "Manufacturer"), sizes)


def _write(path: Path, columns: Iterable[str], lines: Iterable[Mapping[str, object]] = ()) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
