"""Best-known values of the fixed instances, one file each: ``bench/instances/<family>-<size>.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.competitor import registry
from bench.instance import Instance
from bench.sample import ROOT
from bench.suite.row import Row

FOLDER = ROOT / "bench" / "instances"


class WorseError(RuntimeError):
    """A proof contradicts a plan; one of them is wrong, and nothing is written."""


@dataclass(frozen=True, slots=True)
class Known:
    """The best value that any competitor found, the best proven bound, and who says so."""

    value: int | None
    bound: int | None
    proof: str

    @property
    def proven(self) -> bool:
        """Return whether no plan can be better."""
        return self.value == self.bound


def load(instance: Instance, folder: Path = FOLDER) -> dict[str, Known]:
    """Return the best-known values by objective; none if the instance is not the one that they are of."""
    file = folder / f"{instance.name}.json"
    if not file.exists():
        return {}
    kept = json.loads(file.read_text(encoding="utf-8"))
    if kept["digest"] != instance.digest():
        return {}
    return {objective: Known(**values) for objective, values in kept["best_known"].items()}


def save(instance: Instance, known: Mapping[str, Known], folder: Path = FOLDER) -> None:
    """Write the best-known values."""
    content: dict[str, Any] = {
        "family": instance.family,
        "tasks": instance.tasks,
        "seed": instance.seed,
        "digest": instance.digest(),
        "best_known": {objective: asdict(each) for objective, each in sorted(known.items())},
    }
    file = folder / f"{instance.name}.json"
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def better(kept: Known | None, found: Known) -> Known:
    """Return the better of both: no value ever becomes worse, no bound weaker. Raises ``WorseError``."""
    if kept is None:
        return found
    if kept.value is None or found.value is None:
        if kept.value is not found.value:
            raise WorseError("one says that nothing fits, the other has a plan")
        return found
    value = min(kept.value, found.value)
    bounds = [each.bound for each in (kept, found) if each.bound is not None]
    bound = max(bounds, default=None)
    if bound is not None and bound > value:
        raise WorseError(f"a bound of {bound}, though there is a plan of {value}")
    said = [each.proof for each in (kept, found) if (each.value, each.bound) == (value, bound)]
    return Known(value, bound, max(said, key=_witnesses) if said else found.proof)


def _witnesses(proof: str) -> int:
    """Return how many competitors a proof names."""
    return sum(each.title in proof for each in registry().values())


def found_in(rows: Iterable[Row]) -> Known | None:
    """Return what the rows of one instance and objective tell, ``None`` if nobody found anything."""
    sound = [row for row in rows if row.status in ("optimal", "feasible", "infeasible")]
    if not sound:
        return None
    titles = {name: each.title for name, each in registry().items()}
    if any(row.status == "infeasible" for row in sound):
        return Known(None, None, "a task has no candidate")
    value = min(row.value for row in sound if row.value is not None)
    exact = [row for row in sound if not registry()[row.competitor].tolerance]
    bound = max((row.bound for row in exact if row.bound is not None), default=None)
    proofs = [titles[row.competitor] for row in exact if row.bound == value]
    rough = [row for row in sound if row not in exact]
    agree = [titles[row.competitor] for row in rough if row.status == "optimal" and row.value == value]
    if proofs:
        said = " and ".join(proofs) + "".join(f", {title} agrees" for title in agree)
    elif agree:
        said = f"only {' and '.join(agree)}, within the tolerance"
    else:
        best = [titles[row.competitor] for row in sound if row.value == value]
        said = f"open; the plan is of {' and '.join(best)}"
    return Known(value, bound, said)
