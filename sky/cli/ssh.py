"""``sky ssh up status down``: pools of the user's own machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from sky.cli.options import json_option

if TYPE_CHECKING:
    from executors.transports.address import Address
    from executors.transports.host_key import HostKey
    from sky.control.host_pools import HostState


def _complete_pool(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from sky.control.pool_file import read

    return [CompletionItem(name) for name in read() if name.startswith(incomplete)]


@click.group("ssh")
def ssh_command() -> None:
    """Use your own machines: pools of hosts that are reached by SSH.

    A cluster takes whole hosts and gives them back with `sky down` or `sky stop`. On the hosts Python 3.8
    is enough; no root is needed on one node. docs/ssh.md has every field and what is left on a host.

    \b
    ~/.sky/ssh_node_pools.yaml:
      lab:
        user: ubuntu
        identity_file: ~/.ssh/id_ed25519
        hosts:
          - 10.0.0.5
          - ip: 10.0.0.6
            port: 2222

    \b
    Examples:
      sky ssh up                               meet the hosts of every pool
      sky ssh status lab                       which are free, who has the rest
      sky launch --infra ssh/lab TASK.yaml     run there
      sky ssh down lab                         forget the pool
    """


@ssh_command.command("up")
@click.argument("pool", required=False, shell_complete=_complete_pool)
@click.option("--yes", "-y", is_flag=True, help="Trust the keys of hosts that are not known yet.")
@json_option
def up_command(pool: str | None, yes: bool, as_json: bool) -> int:
    """Connect to the hosts of POOL (default: all pools) and learn what they have.

    A host that was never met shows the fingerprint of its key, and you are asked whether it is the right
    one: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host prints it. A host whose key has
    changed is not used. Run this again after a change of the file or of the hosts.

    Exits 1 when some host cannot be used; the others can.

    \b
    Examples:
      sky ssh up
      sky ssh up lab -y
      sky ssh up lab --json
    """
    from sky.control.host_pools import bring_up, chosen, release_forgotten

    def confirm(host: Address, key: HostKey) -> bool:
        shown = f"{key.host} shows the key {key.kind} {key.fingerprint}"
        if yes:
            click.echo(f"{shown}; trusted from now on", err=True)
            return True
        return click.confirm(f"{shown}, not known yet. Is it the key of {host}?", default=False, err=True)

    rows = [row for each in chosen(pool) for row in bring_up(each, confirm)]
    for cluster_id in release_forgotten():
        click.echo(f"Released the hosts of {cluster_id}, which was forgotten before.", err=True)
    _show(rows, as_json=as_json)
    return 1 if any(row.state == "unusable" for row in rows) else 0


@ssh_command.command("status")
@click.argument("pool", required=False, shell_complete=_complete_pool)
@json_option
def status_command(pool: str | None, as_json: bool) -> None:
    """Show the hosts of POOL (default: all that are up) as they are now, and which clusters hold them.

    \b
    Examples:
      sky ssh status
      sky ssh status lab --json
    """
    from sky.control.host_pools import states

    rows = states(pool)
    if not rows and not as_json:
        click.echo(
            "No pool is up. Write ~/.sky/ssh_node_pools.yaml and run: sky ssh up (see: sky ssh --help)"
        )
        return
    _show(rows, as_json=as_json)


@ssh_command.command("down")
@click.argument("pool", shell_complete=_complete_pool)
def down_command(pool: str) -> None:
    """Forget POOL: what its hosts have, and their keys. Refused while clusters of yours are on its hosts.

    The pools file stays as it is, and `sky ssh up` brings the pool back.

    \b
    Examples:
      sky ssh down lab
    """
    from sky.control.host_pools import take_down

    take_down(pool)
    click.echo(f"Pool {pool} is down.")


def _show(rows: Sequence[HostState], *, as_json: bool) -> None:
    if as_json:
        from sky.cli.render import show_json

        show_json([_json(row) for row in rows])
        return
    from sky.cli.render import show_table

    cells = [(row.pool, row.host, row.state, *_sizes(row), row.held_by or row.reason or "-") for row in rows]
    columns = ("POOL", "HOST", "STATE", "vCPUs", "Mem(GB)", "GPUS", "HELD BY")
    show_table(columns, cells, right=("vCPUs", "Mem(GB)"), wrap=("HELD BY",))


def _sizes(row: HostState) -> tuple[str, str, str]:
    facts = row.facts
    if facts is None:
        return "-", "-", "-"
    accelerators = f"{facts.accelerator}:{facts.accelerators}" if facts.accelerators else "-"
    return f"{facts.cpus_milli / 1_000:g}", f"{facts.memory_mib / 1_024:.1f}", accelerators


def _json(row: HostState) -> dict[str, Any]:
    facts = row.facts
    return {
        "pool": row.pool,
        "host": row.host,
        "state": row.state,
        "cpus": None if facts is None else facts.cpus_milli / 1_000,
        "memory_gib": None if facts is None else round(facts.memory_mib / 1_024, 3),
        "accelerators": {facts.accelerator: facts.accelerators} if facts and facts.accelerators else None,
        "arch": None if facts is None else facts.arch,
        "root": None if facts is None else facts.root,
        "held_by": row.held_by or None,
        "reason": row.reason or None,
    }
