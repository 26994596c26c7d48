"""The plan's JSON form, both ways: a versioned schema in public units (USD, seconds, GiB).

Floats are exact images of the plan's integers (micro-USD, MiB, thousandths), so reading gives back an equal
plan. The schema is documented in ``docs/plan-json.md``.
"""

from __future__ import annotations

from typing import Any

from catalog.errors import UserError
from catalog.units import BYTES_PER_GB, MIB_PER_GIB, MICRO, MILLI
from solver.plan import CatalogInfo, Choice, Filter, Placement, Plan, SpotRisk, Status, Transfer

SCHEMA_VERSION = 1


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """Return ``plan`` as plain values, ready for ``json.dumps``."""
    return {
        "schema_version": SCHEMA_VERSION,
        "status": plan.status.value,
        "objective": plan.objective,
        "total_cost_usd": plan.total_cost_usd,
        "total_time_s": plan.total_time_s,
        "bound": plan.bound,
        "gap": plan.gap,
        "solve_time_s": plan.solve_time_s,
        "catalog": {
            "snapshot_id": plan.catalog.snapshot_id,
            "as_of": plan.catalog.as_of,
            "rows": plan.catalog.rows,
            "sources": [
                {"cloud": cloud, "source": source, "rows": rows, "oldest": oldest, "newest": newest}
                for cloud, source, rows, oldest, newest in plan.catalog.sources
            ],
        },
        "tasks": [_placement(placement) for placement in plan.tasks],
        "transfers": [_transfer(transfer) for transfer in plan.transfers],
        "blocks": list(plan.blocks),
        "notes": list(plan.notes),
    }


def _placement(placement: Placement) -> dict[str, Any]:
    return {
        "name": placement.name,
        "num_nodes": placement.num_nodes,
        **_choice(placement.choice),
        "start_s": placement.start_s,
        "candidates": placement.candidates,
        "filters": [{"name": one.name, "kept": one.kept} for one in placement.filters],
        "runtime_note": placement.runtime_note,
        "notes": list(placement.notes),
        "considered": [_choice(choice) for choice in placement.considered],
        "alternatives": [_choice(choice) for choice in placement.alternatives],
        **({"risk": _risk(placement.risk)} if placement.risk else {}),
    }


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "cloud": choice.cloud,
        "region": choice.region,
        "zone": choice.zone,
        "instance_type": choice.instance_type,
        "accelerators": choice.accelerators,
        "use_spot": choice.use_spot,
        "vcpus": choice.vcpus,
        "memory_gib": choice.memory_gib,
        "arch": choice.arch,
        "price_usd_per_hour": choice.price_usd_per_hour,
        "cost_usd": choice.cost_usd,
        "time_s": choice.time_s,
        "price_as_of": choice.price_as_of,
        "source": choice.source,
    }


def _risk(risk: SpotRisk) -> dict[str, Any]:
    return {
        "kind": risk.kind,
        "interruption_rate": risk.interruption_ppm / MICRO,
        "assumed": risk.assumed,
        "run_interruption_chance": risk.run_interruption_ppm / MICRO,
        "checkpoint_s": risk.checkpoint_s,
        "extra_time_s": risk.extra_time_s,
        "extra_cost_usd": risk.extra_cost_micro_usd / MICRO,
        "volatility": None if risk.volatility_ppm is None else risk.volatility_ppm / MICRO,
        "deviation_usd": risk.deviation_micro_usd / MICRO,
    }


def _transfer(transfer: Transfer) -> dict[str, Any]:
    return {
        "source": transfer.source,
        "target": transfer.target,
        "source_place": transfer.source_place,
        "target_place": transfer.target_place,
        "size_gb": transfer.size_gb,
        "cost_usd": transfer.cost_usd,
        "time_s": transfer.time_s,
    }


def plan_from_dict(data: dict[str, Any]) -> Plan:
    """Read what ``plan_to_dict`` wrote. Raises ``UserError`` for another version or a missing key."""
    version = data.get("schema_version")
    if version != SCHEMA_VERSION:
        raise UserError(
            f"schema_version: {version!r} is not {SCHEMA_VERSION}; make the plan anew with this release"
        )
    try:
        return _plan(data)
    except KeyError as missing:
        raise UserError(f"plan: the key {missing} is missing; see docs/plan-json.md") from None


def _plan(data: dict[str, Any]) -> Plan:
    catalog = data["catalog"]
    scale = MICRO if data["objective"] == "cost" else 1
    return Plan(
        status=Status(data["status"]),
        objective=data["objective"],
        total_cost_micro_usd=_scaled(data["total_cost_usd"], MICRO),
        total_time_s=data["total_time_s"],
        bound_value=_scaled(data["bound"], scale),
        solve_time_s=data["solve_time_s"],
        catalog=CatalogInfo(
            snapshot_id=catalog["snapshot_id"],
            as_of=catalog["as_of"],
            rows=catalog["rows"],
            sources=tuple(
                (one["cloud"], one["source"], one["rows"], one["oldest"], one["newest"])
                for one in catalog["sources"]
            ),
        ),
        tasks=tuple(_read_placement(task) for task in data["tasks"]),
        transfers=tuple(_read_transfer(transfer) for transfer in data["transfers"]),
        blocks=tuple(data["blocks"]),
        notes=tuple(data["notes"]),
    )


def _read_placement(data: dict[str, Any]) -> Placement:
    return Placement(
        name=data["name"],
        num_nodes=data["num_nodes"],
        choice=_read_choice(data),
        start_s=data["start_s"],
        alternatives=tuple(_read_choice(one) for one in data["alternatives"]),
        considered=tuple(_read_choice(one) for one in data["considered"]),
        candidates=data["candidates"],
        filters=tuple(Filter(one["name"], one["kept"]) for one in data["filters"]),
        runtime_note=data["runtime_note"],
        notes=tuple(data["notes"]),
        risk=_read_risk(data["risk"]) if "risk" in data else None,
    )


def _read_risk(data: dict[str, Any]) -> SpotRisk:
    moves = data["volatility"]
    return SpotRisk(
        kind=data["kind"],
        interruption_ppm=_scaled(data["interruption_rate"], MICRO),
        assumed=data["assumed"],
        run_interruption_ppm=_scaled(data["run_interruption_chance"], MICRO),
        checkpoint_s=data["checkpoint_s"],
        extra_time_s=data["extra_time_s"],
        extra_cost_micro_usd=_scaled(data["extra_cost_usd"], MICRO),
        volatility_ppm=None if moves is None else _scaled(moves, MICRO),
        deviation_micro_usd=_scaled(data["deviation_usd"], MICRO),
    )


def _read_choice(data: dict[str, Any]) -> Choice:
    accelerator, count = next(iter((data["accelerators"] or {}).items()), (None, 0))
    return Choice(
        cloud=data["cloud"],
        region=data["region"],
        zone=data["zone"],
        instance_type=data["instance_type"],
        accelerator=accelerator,
        accelerator_count_milli=_scaled(count, MILLI),
        use_spot=data["use_spot"],
        vcpus_milli=_scaled(data["vcpus"], MILLI),
        memory_mib=_scaled(data["memory_gib"], MIB_PER_GIB),
        arch=data["arch"],
        price_micro_usd_per_hour=_scaled(data["price_usd_per_hour"], MICRO),
        cost_micro_usd=_scaled(data["cost_usd"], MICRO),
        time_s=data["time_s"],
        price_as_of=data["price_as_of"],
        source=data["source"],
    )


def _read_transfer(data: dict[str, Any]) -> Transfer:
    return Transfer(
        source=data["source"],
        target=data["target"],
        source_place=data["source_place"],
        target_place=data["target_place"],
        size_bytes=_scaled(data["size_gb"], BYTES_PER_GB),
        cost_micro_usd=_scaled(data["cost_usd"], MICRO),
        time_s=data["time_s"],
    )


def _scaled(value: float, scale: int) -> int:
    return round(value * scale)
