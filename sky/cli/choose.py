"""Which clusters a command means: names, globs, or all; and the confirmation that names them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import click

from catalog.errors import UserError
from sky.control.records import ClusterRecord
from sky.control.state import open_store
from sky.exceptions import ClusterDoesNotExist


def chosen(patterns: Sequence[str], *, all_clusters: bool, verb: str) -> list[ClusterRecord]:
    """Return the records that ``patterns`` (names or globs) or ``-a`` mean, each once.

    Raises ``UserError`` when nothing or both are given, ``ClusterDoesNotExist`` for a name without a cluster.
    """
    if all_clusters and patterns:
        raise UserError(f"sky {verb}: give either cluster names or --all, not both")
    if not all_clusters and not patterns:
        raise UserError(f"sky {verb}: name a cluster, a pattern such as 'dev-*', or --all")
    records = open_store().records()
    return records if all_clusters else matching(records, patterns)


def matching(records: Sequence[ClusterRecord], patterns: Sequence[str]) -> list[ClusterRecord]:
    """Return the records that match any pattern, in order of the patterns, each once."""
    found: dict[str, ClusterRecord] = {}
    for pattern in patterns:
        hits = [record for record in records if fnmatchcase(record.name, pattern)]
        if not hits:
            known = ", ".join(record.name for record in records[:5])
            raise ClusterDoesNotExist(
                f"cluster {pattern!r} does not exist" + (f"; there are: {known}" if known else "")
            )
        found.update((record.name, record) for record in hits)
    return list(found.values())


def confirm(verb: str, records: Sequence[ClusterRecord], *, yes: bool) -> None:
    """Ask whether to go on with these clusters; no is the end of the command."""
    if yes or not records:
        return
    names = ", ".join(record.name for record in records)
    plural = "s" if len(records) > 1 else ""
    click.confirm(
        f"{verb} {len(records)} cluster{plural}: {names}. Proceed?", default=True, abort=True, err=True
    )


def say_if_none(records: Sequence[ClusterRecord], action: str) -> None:
    """Say so when a command had nothing to do."""
    if not records:
        click.echo(f"No cluster to {action}.", err=True)
