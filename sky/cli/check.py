"""``sky check``."""

from __future__ import annotations

import click

from sky.cli.options import json_option


@click.command("check")
@json_option
def check_command(as_json: bool) -> None:
    """Show where tasks can run from here, and which infra can only be planned for.

    \b
    Examples:
      sky check
      sky check --json
    """
    from catalog.names import names
    from sky.control.infra_check import checked

    rows = checked(names().clouds)
    if as_json:
        from sky.cli.render import show_json

        show_json(
            [{"infra": row.infra, "runs": row.runs, "plans": row.plans, "detail": row.detail} for row in rows]
        )
        return
    from sky.cli.render import show_table

    cells = [
        (row.infra, "yes" if row.runs else "no", "yes" if row.plans else "no", row.detail) for row in rows
    ]
    show_table(("INFRA", "RUNS", "PLANS", "DETAIL"), cells, wrap=("DETAIL",))
