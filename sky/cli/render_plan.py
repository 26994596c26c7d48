"""A plan as a report: what was considered and chosen, how sure that is, and on which facts it stands."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import click

from catalog.units import format_mib, format_milli, format_seconds, format_usd
from executors.owned import CLOUDS
from sky.cli.render import show_line, show_table
from sky.cli.render_risk import risk_lines
from solver.plan import CatalogInfo, Choice, Placement, Plan, Status

CHOSEN = "\u2714"
_COLUMNS = ("INFRA", "INSTANCE", "vCPUs", "Mem(GB)", "GPUS", "$/HR", "COST ($)", "TIME", "CHOSEN")
_PLAN_COLUMNS = ("TASK", "#NODES", "INFRA", "INSTANCE", "GPUS", "COST ($)", "TIME", "START")
NUMBERS = ("#NODES", "vCPUs", "Mem(GB)", "$/HR", "COST ($)", "TIME", "START")
WRAP = ("TASK", "INFRA", "INSTANCE", "GPUS")
_ROWS = 12
PLACE_COLUMNS = ("INFRA", "INSTANCE", "GPUS", "$/HR")
"""The columns of ``place_cells``; ``NUMBERS`` and ``WRAP`` say how those of all tables here are set."""


def show_plan(plan: Plan, *, show_all: bool = False, more: int | None = None) -> None:
    """Print the report of ``plan``; ``show_all`` adds every filter and all kinds that were considered.

    ``more`` is how many places a launch could try after the runners-up, where that is not to be counted here.
    """
    if len(plan.tasks) > 1:
        _show_best(plan)
    for task in plan.tasks:
        _show_task(task, show_all=show_all)
        _show_runners_up(task, alone=len(plan.tasks) == 1, more=more)
        _show_remarks(task, show_all=show_all)
    if plan.transfers:
        _show_transfers(plan)
    for line in _summary(plan, show_all=show_all):
        show_line(line)


def show_briefly(plan: Plan) -> None:
    """Print what a launch is about to do: the chosen offer among those considered, the total, the proof."""
    for task in plan.tasks:
        _show_considered(task, show_all=False)
        _show_risk(task)
    total, proof, *_ = _summary(plan, show_all=False)
    click.echo(f"{total} {proof}")
    for note in plan.notes:
        show_line(f"Note: {_sentence(note)}")


def _show_best(plan: Plan) -> None:
    click.echo("Best plan:")
    rows = [_placed(task) for task in plan.tasks]
    show_table(_PLAN_COLUMNS, rows, right=NUMBERS, wrap=WRAP)
    click.echo()


def _placed(task: Placement) -> tuple[str, ...]:
    infra, instance, _, _, gpus, _, cost, time = _cells(task.choice)
    return task.name, str(task.num_nodes), infra, instance, gpus, cost, time, format_seconds(task.start_s)


def _show_considered(task: Placement, *, show_all: bool) -> None:
    counts = f"{_counted(task.num_nodes, 'node')}, {_counted(task.candidates, 'candidate')}"
    click.echo(f"Considered resources for {task.name} ({counts}):")
    considered = list(task.considered) or [task.choice]
    shown = considered if show_all else _near(considered, task.choice)
    show_table(_COLUMNS, [_marked(choice, task.choice) for choice in shown], right=NUMBERS, wrap=WRAP)
    if len(shown) < len(considered):
        click.echo(f"... and {len(considered) - len(shown)} more kinds (--all shows them)")


def _near(considered: list[Choice], chosen: Choice) -> list[Choice]:
    """Return the first rows: without accelerators where the choice has none."""
    if not chosen.accelerator:
        considered = [choice for choice in considered if not choice.accelerator]
    return considered[:_ROWS]


def _sentence(note: str) -> str:
    return note if note.endswith(".") else f"{note}."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _show_task(task: Placement, *, show_all: bool) -> None:
    _show_considered(task, show_all=show_all)
    if task.runtime_note:
        show_line(f"Time: {_sentence(task.runtime_note)}")
    _show_risk(task)


def _show_risk(task: Placement) -> None:
    if task.risk is not None:
        for line in risk_lines(task.risk):
            show_line(line)


def _show_runners_up(task: Placement, *, alone: bool, more: int | None) -> None:
    """Print the next best; of a task ``alone`` a launch tries them in this order where a place refuses."""
    if not task.alternatives:
        return
    click.echo()
    tried = ", tried in this order where a place refuses" if alone else ""
    click.echo(f"Runners-up for {task.name}{tried}:")
    rows = [_cells(choice) for choice in task.alternatives]
    show_table(_COLUMNS[:-1], rows, right=NUMBERS, wrap=WRAP)
    if more is None:
        more = task.candidates - 1 - len(task.alternatives)
    if alone and more > 0:
        click.echo(f"... and {more:,} more")


def _show_remarks(task: Placement, *, show_all: bool) -> None:
    if task.notes:
        click.echo()
    for note in task.notes:
        show_line(f"Note: {_sentence(note)}")
    if show_all:
        click.echo()
        click.echo("Filters, and how many offers each left:")
        show_table(
            ("FILTER", "LEFT"), [(step.name, f"{step.kept:,}") for step in task.filters], right=("LEFT",)
        )
    click.echo()


def _marked(choice: Choice, chosen: Choice) -> tuple[str, ...]:
    return (*_cells(choice), CHOSEN if choice == chosen else "")


def _infra(choice: Choice) -> str:
    """Return where it is: the zone alone where its name holds the region's, as those of clouds do."""
    if choice.zone and choice.cloud in CLOUDS:
        return f"{choice.cloud}/{choice.region}/{choice.zone}"
    return f"{choice.cloud}/{choice.zone or choice.region}"


def _cells(choice: Choice) -> tuple[str, ...]:
    accelerators = "-"
    if choice.accelerator:
        accelerators = f"{choice.accelerator}:{format_milli(choice.accelerator_count_milli)}"
    return (
        _infra(choice),
        f"{choice.instance_type}[Spot]" if choice.use_spot else choice.instance_type,
        format_milli(choice.vcpus_milli) if choice.vcpus_milli else "-",
        format_mib(choice.memory_mib) if choice.memory_mib else "-",
        accelerators,
        _dollars(choice.price_micro_usd_per_hour),
        _dollars(choice.cost_micro_usd),
        format_seconds(choice.time_s),
    )


def place_cells(choice: Choice) -> tuple[str, ...]:
    """Return the cells of ``PLACE_COLUMNS``: where it is, what, and its price."""
    infra, instance, _, _, accelerators, price, _, _ = _cells(choice)
    return infra, instance, accelerators, price


def _dollars(micro: int) -> str:
    return format_usd(micro).lstrip("$")


def _show_transfers(plan: Plan) -> None:
    click.echo("Egress plan:")
    rows = [
        (
            move.source,
            move.target,
            move.source_place,
            move.target_place,
            f"{move.size_bytes / 1e9:g}",
            _dollars(move.cost_micro_usd),
            format_seconds(move.time_s),
        )
        for move in plan.transfers
    ]
    columns = ("SOURCE", "TARGET", "FROM", "TO", "SIZE (GB)", "COST ($)", "TIME")
    show_table(columns, rows, right=("SIZE (GB)", "COST ($)", "TIME"), wrap=("FROM", "TO"))
    click.echo()


def _by_cloud(facts: CatalogInfo) -> Iterator[tuple[str, str, int, str, str]]:
    for cloud, group in groupby(facts.sources, key=lambda source: source[0]):
        sources = list(group)
        dates = sorted(date for source in sources for date in source[3:] if date)
        told = sources[0][1] if len(sources) == 1 else f"{len(sources)} sources (--all lists them)"
        yield (
            cloud,
            told,
            sum(source[2] for source in sources),
            dates[0] if dates else "",
            dates[-1] if dates else "",
        )


def _summary(plan: Plan, *, show_all: bool) -> Iterator[str]:
    yield f"Total: {format_usd(plan.total_cost_micro_usd)} in {format_seconds(plan.total_time_s)}."
    bound = format_usd(plan.bound_value) if plan.objective == "cost" else format_seconds(plan.bound_value)
    proof = (
        "proven optimal"
        if plan.status is Status.OPTIMAL
        else "best found before the time limit, not proven optimal"
    )
    yield f"Minimized {plan.objective}: {plan.status.value}, {proof}; bound {bound}."
    yield f"Solved in {plan.solve_time_s:.3f} s."
    facts = plan.catalog
    yield f"Catalog: snapshot {facts.snapshot_id[:12]} as of {facts.as_of}, {facts.rows:,} offers."
    for cloud, source, rows, oldest, newest in facts.sources if show_all else _by_cloud(facts):
        dates = newest if oldest == newest else f"{oldest} to {newest}"
        yield f"  {cloud}: {rows:,} offers, {dates or 'date unknown'}, {source}"
    if plan.blocks:
        yield f"Blocked: {', '.join(plan.blocks)}."
    for note in plan.notes:
        yield f"Note: {_sentence(note)}"
