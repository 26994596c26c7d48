"""Setup: what the figures were measured on, with what, when, and how to measure them again."""

from __future__ import annotations

from bench.competitor import registry
from bench.kept import Session
from bench.report.document import Block, Code, Points, Section, Table
from bench.report.figure_text import NONE, significant
from bench.report.results import Peers, Results, Suite
from bench.suite.row import OURS

COMMANDS = """\
make bench          # the product's commands, and every family at its short sizes against HiGHS
make bench-all      # every family at every size, every competitor
make bench-peers    # released optimizers on the same offers
make bench-report   # this report, from what those wrote into bench/results"""

FAIR = (
    "Every competitor gets the same integer arrays, in a process of its own, in turns with the others. Where "
    "the instance is a request over the catalog, ours starts from the request and filters the catalog "
    "itself, while the others are given the offers that satisfy it."
)
JUDGED = (
    "Every plan is priced anew by code that no competitor shares. A plan that is not worth what was claimed, "
    "or a bound above a known plan, is an `error` and counts as no answer."
)
TIMED = (
    "`to the proof` is building the model and proving the objective; `total` adds what ours does after it, "
    "the tie-break and the runners-up. Starting Python and reading the file count for nobody."
)
RULES = (FAIR, JUDGED, TIMED, "Times are medians over the runs; peak memory is the largest over them.")


def section(results: Results) -> Section:
    """Return the section."""
    suite, peers, commands = results.suite, results.peers, results.commands
    measured = {
        "suite": suite.sessions,
        "resolve": suite.resolve_sessions,
        "peers": peers.sessions if peers else (),
        "commands": commands.sessions if commands else (),
    }
    rows = tuple(_measured(name, each) for name, sessions in measured.items() for each in sessions)
    sessions = Table(("measured", "rows", "until", "machine", "Python", "note"), "lrllll", rows)
    blocks: list[Block] = [sessions, _versions(suite, peers), Code(COMMANDS)]
    return Section("Machine, versions, and how to reproduce", (*blocks, Points(RULES)))


def _measured(name: str, session: Session) -> tuple[str, ...]:
    machine = session.machine
    memory = significant(machine["memory_mib"] / 1024)
    told = f"{machine['cpu']}, {machine['cores']} cores, {memory} GiB, {machine['os']}"
    until = _minute(session.date)
    return f"`{name}`", f"{len(session.rows):,}", until, told, str(machine["python"]), session.note


def _versions(suite: Suite, peers: Peers | None) -> Table:
    titles = registry()
    rows = []
    for name in suite.competitors:
        used = sorted({row.version for row in suite.rows if row.competitor == name and row.version})
        title = titles[name].title if name in titles else name
        rows.append((f"`{name}`", title, ", ".join(used) or NONE))
    parts = {name: value for name, value in suite.versions.items() if name not in titles}
    rows += [(f"`{name}`", f"part of `{OURS}`", value) for name, value in parts.items()]
    if peers:
        rows += [
            (f"`{name}`", "peer", value) for name, value in peers.versions.items() if name in peers.names
        ]
    return Table(("what", "is", "version"), "lll", tuple(rows))


def _minute(date: str) -> str:
    """Return a date to the minute, in UTC as it was written."""
    return f"{date[:10]} {date[11:16]} UTC"
