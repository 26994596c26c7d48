"""Results: the measurements that a report is of, read from what the suite and the peers wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bench import family
from bench.peers.compare import OURS as SKY
from bench.peers.compare import Row as PeerRow
from bench.suite.resolve import Resolve
from bench.suite.row import OURS, REFERENCE, Row

OBJECTIVES = ("cost", "time")
PROVEN = ("optimal", "infeasible")
ANSWERED = (*PROVEN, "feasible")
STOPPED = ("feasible", "timeout")

Made = TypeVar("Made")


class MissingError(LookupError):
    """Something was not measured yet; the message says which command does it."""


@dataclass(frozen=True, slots=True)
class Suite:
    """What ``bench.suite`` measured."""

    machine: Mapping[str, Any]
    date: str
    versions: Mapping[str, str]
    rows: tuple[Row, ...]
    resolves: tuple[Resolve, ...] = ()

    @property
    def competitors(self) -> list[str]:
        """Every competitor by name: ours, then HiGHS, then the others."""
        names = {row.competitor for row in self.rows}
        return sorted(names, key=lambda name: (name != OURS, name != REFERENCE, name))

    @property
    def families(self) -> list[str]:
        """Every family by name."""
        return sorted({row.family for row in self.rows})

    def of(self, competitor: str) -> dict[tuple[str, str], Row]:
        """Return the rows of a competitor by instance and objective, small instances first."""
        rows = sorted(self.rows, key=lambda row: (row.family, row.tasks, row.instance, row.objective))
        return {(row.instance, row.objective): row for row in rows if row.competitor == competitor}

    def pairs(self) -> list[tuple[Row, Row]]:
        """Return our rows, each with that of HiGHS."""
        theirs = self.of(REFERENCE)
        return [(row, theirs[key]) for key, row in self.of(OURS).items()]


@dataclass(frozen=True, slots=True)
class Peers:
    """What ``bench.peers`` measured."""

    machine: Mapping[str, Any]
    date: str
    versions: Mapping[str, str]
    rows: tuple[PeerRow, ...]

    @property
    def names(self) -> list[str]:
        """The peers in the order in which they were measured, without ours."""
        return [name for name in dict.fromkeys(row.competitor for row in self.rows) if name != SKY]

    def of(self, competitor: str) -> dict[str, PeerRow]:
        """Return the rows of a competitor by request."""
        return {row.request: row for row in self.rows if row.competitor == competitor}


def load_suite(file: Path) -> Suite:
    """Return the suite's measurements. Raises ``MissingError`` unless ours and HiGHS ran everywhere."""
    content = _read(file, "python -m bench.suite")
    suite = Suite(
        content["machine"],
        content["date"],
        content["versions"],
        _made(Row, content["rows"], file, "python -m bench.suite"),
        _made(Resolve, content.get("resolve", ()), file, "python -m bench.suite"),
    )
    measured = {row.key for row in suite.rows}
    for name, kind in family.registry().items():
        for size in kind.sizes:
            wanted = [
                (f"{name}-{size}", objective, who) for objective in OBJECTIVES for who in (OURS, REFERENCE)
            ]
            if missing := [" ".join(key) for key in wanted if key not in measured]:
                command = f"python -m bench.suite --family {name} --size {size}"
                raise MissingError(f"{file} has no row of {', '.join(missing)}; run first: {command}")
    return suite


def load_peers(file: Path) -> Peers | None:
    """Return the peers' measurements, ``None`` without a file. Raises ``MissingError`` without a row."""
    if not file.exists():
        return None
    command = "python -m bench.peers"
    content = _read(file, command)
    rows = _made(PeerRow, content["rows"], file, command)
    peers = Peers(content["machine"], content["date"], content["versions"], rows)
    asked = dict.fromkeys(row.request for row in rows)
    if not peers.of(SKY) or not peers.names:
        raise MissingError(f"{file} does not hold our rows and a peer's; run first: {command}")
    for name in (SKY, *peers.names):
        if missing := [request for request in asked if request not in peers.of(name)]:
            options = " ".join(f"--request {request}" for request in missing)
            raise MissingError(
                f"{file} has no row of {name} for {', '.join(missing)}; run first: {command} {options}"
            )
    return peers


def _read(file: Path, command: str) -> dict[str, Any]:
    if not file.exists():
        raise MissingError(f"there is no {file}; run first: {command}")
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        missing = {"machine", "date", "versions", "rows"} - content.keys()
    except (ValueError, AttributeError):
        raise MissingError(f"{file} is not what '{command}' writes; run it again") from None
    if missing or not content["rows"]:
        raise MissingError(
            f"{file} has no {' and no '.join(sorted(missing)) or 'rows'}; run first: {command}"
        )
    return content


def _made(kind: type[Made], rows: Iterable[Mapping[str, Any]], file: Path, command: str) -> tuple[Made, ...]:
    try:
        return tuple(kind(**row) for row in rows)
    except TypeError as error:
        raise MissingError(f"{file} is of another version ({error}); remove it and run: {command}") from None
