"""Kept: the measurements that the report is made of, in the repository, one file for each of its tables.

A file holds sessions: what one machine measured in one day with the same versions. A row that is measured
again leaves the session that it was in, and a session without rows is gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bench.machine import machine, versions
from bench.sample import ROOT

FOLDER = ROOT / "bench" / "results"

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """Rows that were measured together; ``date`` is when the last of them was, in UTC.

    ``note`` says what else a reader has to know of the figures.
    """

    date: str
    machine: Values
    versions: Values
    rows: tuple[Values, ...]
    note: str = ""


def load(file: Path) -> list[Session]:
    """Return the sessions in ``file``, the newest last; none without a file. Raises ``ValueError``."""
    if not file.exists():
        return []
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return [Session(**{**each, "rows": tuple(each["rows"])}) for each in content]
    except (TypeError, KeyError) as error:
        raise ValueError(f"{file} holds no sessions: {error}") from None


def keep(
    file: Path, rows: Iterable[Values], key: Sequence[str], others: Mapping[str, str] | None = None
) -> None:
    """Write ``rows``, measured just now, into ``file``; rows of another ``key`` there stay as they are.

    ``others`` are the versions of what took part beside ours.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    new = Session(now, machine(), versions() | (others or {}), tuple(rows))
    measured = {_key_of(row, key) for row in new.rows}
    sessions = []
    for each in load(file):
        left = tuple(row for row in each.rows if _key_of(row, key) not in measured)
        if (each.machine, each.date[:10], each.note) == (new.machine, new.date[:10], new.note):
            new = replace(new, rows=(*left, *new.rows), versions=each.versions | new.versions)
        elif left:
            sessions.append(replace(each, rows=left))
    write(file, [*sessions, new])


def write(file: Path, sessions: Iterable[Session]) -> None:
    """Write ``sessions``, one row a line, so that a change shows which rows it is about."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[" + ",\n".join(map(_text_of, sessions)) + "]\n", encoding="utf-8")


def _key_of(row: Values, key: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in key)


def _text_of(session: Session) -> str:
    rows = ",\n".join(json.dumps(row, sort_keys=True) for row in session.rows)
    head = json.dumps(asdict(session) | {"rows": []}, sort_keys=True)
    return head.replace('"rows": []', f'"rows": [\n{rows}\n]')
