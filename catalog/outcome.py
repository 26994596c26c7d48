"""The outcome of a refresh: what came of each source, what changed, and which snapshot is in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from catalog.difference import Counts
from catalog.quality import Finding


class Status(str, Enum):
    """What came of one source; the value is what tables and JSON show."""

    PASSED = "passed"
    HELD_BACK = "held back"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """What came of one source: rows fetched, rows in quarantine, what the gates found, or the error.

    ``quarantine`` is the file with the rows and reasons, ``""`` where there are none.
    """

    source: str
    cloud: str
    status: Status
    rows: int = 0
    quarantined: int = 0
    quarantine: str = ""
    findings: tuple[Finding, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a refresh did. ``before`` is the snapshot in use until then, ``snapshot_id`` the one from then on.

    They are the same where nothing changed or nothing could be published.
    """

    at: datetime
    before: str
    snapshot_id: str
    rows: int
    sources: tuple[SourceOutcome, ...]
    changes: Mapping[str, Counts] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every source passed."""
        return all(each.status is Status.PASSED for each in self.sources)

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "before": self.before,
            "snapshot": self.snapshot_id,
            "rows": self.rows,
            "sources": [{**asdict(each), "status": each.status.value} for each in self.sources],
            "changes": {cloud: asdict(each) for cloud, each in self.changes.items()},
        }
