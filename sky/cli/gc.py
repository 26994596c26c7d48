"""``sky gc``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from catalog.errors import SkyError, UserError
from sky.cli.options import json_option

if TYPE_CHECKING:
    from sky.control.gc import Finding, Survey


@click.command("gc")
@click.argument("cluster_ids", nargs=-1, metavar="[CLUSTER_ID]...")
@click.option("--yes", "-y", is_flag=True, help="Remove what was found; without, it is only shown.")
@json_option
def gc_command(cluster_ids: tuple[str, ...], yes: bool, as_json: bool) -> int:
    """Find what bills unseen: what no record is of, records of what is gone, and what a killed launch left.

    Nothing is removed without --yes, and what no record here was ever of (another machine's, or of a state
    that was lost) only by its id. Clusters that a command is working on are left alone, and those without a
    record for 10 minutes. The exit code is 0 when nothing is left to do, and 1 otherwise: where an infra did
    not answer, too.

    \b
    Examples:
      sky gc
      sky gc --yes
      sky gc dev-3fa1b2c4 --yes
      sky gc --json
    """
    from sky.control.gc import survey

    found = survey()
    findings = _named(found, cluster_ids)
    outcomes = {each.cluster_id: _outcome(each, by_id=bool(cluster_ids)) for each in findings} if yes else {}
    if as_json:
        from sky.cli.render import show_json

        show_json(
            {
                "findings": [_plain(each, outcomes) for each in findings],
                "silent": dict(found.silent),
                "left_alone": dict(found.left_alone),
            }
        )
    else:
        _show(found, findings, outcomes)
    left = [each for each in findings if outcomes.get(each.cluster_id) != ""]
    return 1 if left or found.silent else 0


def _named(found: Survey, cluster_ids: Sequence[str]) -> list[Finding]:
    """Return the findings of these ids, all where none is given."""
    known = {each.cluster_id: each for each in found.findings}
    for each in cluster_ids:
        if each not in known:
            reason = found.left_alone.get(each, "sky gc shows what was found")
            raise UserError(f"sky gc: {each} is nothing to remove: {reason}")
    return [known[each] for each in cluster_ids] if cluster_ids else list(found.findings)


def _outcome(finding: Finding, *, by_id: bool) -> str:
    """Remove it and return ``""``, or why it was not."""
    from sky.control.gc import Kind, remove

    if finding.kind is Kind.UNKNOWN and not by_id:
        return f"run: {finding.remedy}"
    try:
        remove(finding)
    except SkyError as error:
        return str(error)
    return ""


def _plain(finding: Finding, outcomes: dict[str, str]) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "infra": finding.infra,
        "place": finding.place,
        "cluster_id": finding.cluster_id,
        "name": finding.name,
        "state": finding.state,
        "created_at": finding.created_at or None,
        "price_usd_per_hour": finding.hourly_micro_usd / 1_000_000 or None,
        "detail": finding.detail,
        "remedy": finding.remedy,
        "removed": outcomes.get(finding.cluster_id) == "",
        "error": outcomes.get(finding.cluster_id) or None,
    }


def _show(found: Survey, findings: Sequence[Finding], outcomes: dict[str, str]) -> None:
    from catalog.units import format_usd
    from sky.cli.render import ago, show_table
    from sky.control.gc import Kind

    for infra, reason in found.silent.items():
        click.echo(f"{infra} did not say what it holds: {reason}", err=True)
    for cluster_id, reason in found.left_alone.items():
        click.echo(f"{cluster_id} is left alone: {reason}", err=True)
    if not findings:
        click.echo(
            "Nothing was found." if found.silent else "Nothing to remove: records and providers agree."
        )
        return
    now = time.time()
    rows = [
        (
            each.cluster_id,
            each.infra,
            each.place,
            ago(each.created_at, now),
            each.state,
            format_usd(each.hourly_micro_usd) if each.hourly_micro_usd else "-",
            each.detail,
            _remedy(each, outcomes),
        )
        for each in findings
    ]
    columns = ("CLUSTER", "INFRA", "PLACE", "MADE", "STATE", "COST/hr", "WHY", "TO REMOVE")
    show_table(columns, rows, right=("COST/hr",), wrap=("CLUSTER", "PLACE", "WHY", "TO REMOVE"))
    if not outcomes:
        sure = sum(each.kind is not Kind.UNKNOWN for each in findings)
        click.echo(f"Nothing was removed; sky gc --yes removes {sure} of {len(findings)}.")


def _remedy(finding: Finding, outcomes: dict[str, str]) -> str:
    outcome = outcomes.get(finding.cluster_id)
    return finding.remedy if outcome is None else outcome or "removed"
