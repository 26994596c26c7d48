"""Results: the measurements that a report is of, read from what is kept in ``bench/results``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from bench import family, kept
from bench.case import Outcome
from bench.kept import Session
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
    """What ``bench.suite`` and ``bench.suite.resolve`` measured, and with what."""

    sessions: tuple[Session, ...]
    rows: tuple[Row, ...]
    resolve_sessions: tuple[Session, ...] = ()
    resolves: tuple[Resolve, ...] = ()

    @property
    def versions(self) -> dict[str, str]:
        """The version of each competitor and part, the newest measured."""
        return versions_of(self.sessions)

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

    sessions: tuple[Session, ...]
    rows: tuple[PeerRow, ...]

    @property
    def versions(self) -> dict[str, str]:
        """The version of each, the newest measured."""
        return versions_of(self.sessions)

    @property
    def names(self) -> list[str]:
        """The peers in the order in which they were measured, without ours."""
        return [name for name in dict.fromkeys(row.competitor for row in self.rows) if name != SKY]

    def of(self, competitor: str) -> dict[str, PeerRow]:
        """Return the rows of a competitor by request."""
        return {row.request: row for row in self.rows if row.competitor == competitor}


@dataclass(frozen=True, slots=True)
class Commands:
    """What ``python -m bench`` measured: each case's figures, by name."""

    sessions: tuple[Session, ...]
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was measured; the suite always, the others as far as they were."""

    suite: Suite
    peers: Peers | None = None
    commands: Commands | None = None


def load(folder: Path) -> Results:
    """Return what is kept in ``folder``. Raises ``MissingError``."""
    return Results(
        load_suite(folder), load_peers(folder / "peers.json"), load_commands(folder / "commands.json")
    )


def versions_of(sessions: Iterable[Session]) -> dict[str, str]:
    """Return what took part in ``sessions``, each in its newest version."""
    return {name: version for each in sessions for name, version in each.versions.items()}


def load_suite(folder: Path) -> Suite:
    """Return the suite's measurements. Raises ``MissingError`` unless ours and HiGHS ran everywhere."""
    file, command = folder / "suite.json", "python -m bench.suite"
    again = "python -m bench.suite.resolve"
    sessions, resolves = _read(file, command), _read(folder / "resolve.json", again)
    if not sessions:
        raise MissingError(f"there is no {file}; run first: {command}")
    suite = Suite(
        sessions,
        _made(Row, sessions, file, command),
        resolves,
        _made(Resolve, resolves, folder / "resolve.json", again),
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
    command = "python -m bench.peers"
    sessions = _read(file, command)
    if not sessions:
        return None
    rows = _made(PeerRow, sessions, file, command)
    peers = Peers(sessions, rows)
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


def load_commands(file: Path) -> Commands | None:
    """Return the figures of the product's commands, ``None`` without a file. Raises ``MissingError``."""
    command = "python -m bench"
    sessions = _read(file, command)
    if not sessions:
        return None
    names = [row["case"] for session in sessions for row in session.rows]
    figures = [
        replace(each, rows=tuple({k: v for k, v in row.items() if k != "case"} for row in each.rows))
        for each in sessions
    ]
    return Commands(sessions, dict(zip(names, _made(Outcome, figures, file, command), strict=True)))


def _read(file: Path, command: str) -> tuple[Session, ...]:
    try:
        return tuple(kept.load(file))
    except ValueError:
        raise MissingError(f"{file} is not what '{command}' writes; run it again") from None


def _made(kind: type[Made], sessions: Iterable[Session], file: Path, command: str) -> tuple[Made, ...]:
    try:
        return tuple(kind(**row) for session in sessions for row in session.rows)
    except TypeError as error:
        raise MissingError(f"{file} is of another version ({error}); remove it and run: {command}") from None
