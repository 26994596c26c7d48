"""``sky check``."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from sky.cli.options import json_option


def _complete_infra(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of infra with an executor, for the shell."""
    from executors.registry import names

    return [CompletionItem(name) for name in names() if name.startswith(incomplete)]


@click.command("check")
@click.argument("infra", nargs=-1, shell_complete=_complete_infra)
@click.option("--verbose", "-v", is_flag=True, help="Show also what each infra can do.")
@json_option
def check_command(infra: tuple[str, ...], verbose: bool, as_json: bool) -> int:
    """Show where tasks can run from here, as whom, and which infra can only be planned for.

    Clouds are asked whether their credentials do, all at once; launches trust the answers for a day. Where an
    infra is named, the exit code is 1 unless tasks run on all that are.

    \b
    Examples:
      sky check
      sky check aws gcp
      sky check --json
    """
    from catalog.names import names
    from sky.control.infra_check import checked

    rows = checked(names().clouds, infra)
    code = 0 if not infra or all(row.runs for row in rows) else 1
    if as_json:
        from dataclasses import asdict

        from sky.cli.render import show_json

        show_json([asdict(row) for row in rows])
        return code
    from executors.api import Access
    from sky.cli.render import show_table
    from sky.control.access import sentence

    cells = [
        (
            row.infra,
            "yes" if row.runs else "no",
            "yes" if row.plans else "no",
            *([", ".join(row.capabilities) or "-"] if verbose else []),
            sentence(Access(row.runs, row.identity, row.detail, row.fix)),
        )
        for row in rows
    ]
    can = ["CAN"] if verbose else []
    show_table(("INFRA", "RUNS", "PLANS", *can, "DETAIL"), cells, wrap=("CAN", "DETAIL"))
    return code
