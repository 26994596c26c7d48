"""``sky catalog overlay``: what the user's own prices do."""

from __future__ import annotations

import click

from sky.cli.options import json_option


@click.command("overlay", short_help="Check your own prices and exclusions.")
@json_option
def overlay_command(*, as_json: bool) -> None:
    """Check the file of your own prices and exclusions, and show what each of its rules does.

    The file is ~/.sky/overlay.yaml. Every plan reads it, so an edit counts at once. Discounts, private prices
    and exclusions lie over the catalog, which stays as it is. Plans say where a price is your own.

    \b
    Example of the file:
      rules:
        - where: {cloud: aws, instance_type: p5.*}
          discount: 30%                # and spot_discount, price, spot_price
        - where: {region: brazil*}
          exclude: true                # or: spot
    """
    from sky import overlay_file
    from sky.cli.render import show_json, show_table
    from sky.offers import offers_in_use

    effects = offers_in_use().effects
    if as_json:
        show_json(
            {
                "file": str(overlay_file.path()),
                "rules": [
                    {
                        "rule": each.label,
                        "matched": each.matched,
                        "repriced": each.repriced,
                        "excluded": each.excluded,
                    }
                    for each in effects
                ],
            }
        )
    elif not effects:
        click.echo(f"{overlay_file.path()} has no rules. Write for example:\n\n{overlay_file.EXAMPLE}")
    else:
        rows = [
            (each.label, f"{each.matched:,}", f"{each.repriced:,}", f"{each.excluded:,}") for each in effects
        ]
        columns = ("RULE", "OFFERS", "REPRICED", "LEFT OUT")
        show_table(columns, rows, right=columns[1:], wrap=("RULE",))
