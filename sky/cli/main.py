"""``sky``: the command group, loaded a command at a time, and where errors become exit codes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

import click

from catalog.errors import Infeasible, SkyError, UserError

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INFEASIBLE = 100
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
EXIT_BROKEN_PIPE = 141


class _Entry(NamedTuple):
    section: str
    module: str
    summary: str


_CLUSTERS, _JOBS, _PLANS = "Clusters", "Jobs on a cluster", "Plans and set-up"

COMMANDS = {
    "launch": _Entry(_CLUSTERS, "launch", "Launch a task, on a new cluster or an existing one."),
    "exec": _Entry(_CLUSTERS, "launch", "Run a task on a cluster that is up, without setup."),
    "status": _Entry(_CLUSTERS, "status", "Show clusters."),
    "start": _Entry(_CLUSTERS, "clusters", "Start stopped clusters."),
    "stop": _Entry(_CLUSTERS, "clusters", "Stop clusters; their disks are kept."),
    "down": _Entry(_CLUSTERS, "clusters", "Tear clusters down for good."),
    "autostop": _Entry(_CLUSTERS, "clusters", "Stop or tear down clusters when they are idle."),
    "cost-report": _Entry(_CLUSTERS, "costs", "Show what clusters cost, those that are gone too."),
    "gc": _Entry(_CLUSTERS, "gc", "Find what bills unseen, and remove it."),
    "queue": _Entry(_JOBS, "jobs", "Show the job queue of clusters."),
    "logs": _Entry(_JOBS, "jobs", "Show or download the log of a job."),
    "cancel": _Entry(_JOBS, "jobs", "Cancel jobs."),
    "optimize": _Entry(_PLANS, "optimize", "Show the best plan for a task file."),
    "failover": _Entry(_PLANS, "failover", "Show, or forget, which places refused launches lately."),
    "catalog": _Entry(_PLANS, "catalog", "Refresh prices, look at them, go back to older ones."),
    "show-gpus": _Entry(_PLANS, "gpus", "Show accelerators on offer, who has them, and prices (also: gpus)."),
    "ssh": _Entry(_PLANS, "ssh", "Bring up and show pools of your own machines."),
    "check": _Entry(_PLANS, "check", "Show where tasks can run from here."),
    "completion": _Entry(_PLANS, "completion", "Print the completion script of a shell."),
}

ALIASES = {"gpus": "show-gpus"}

_EPILOG = """\b
Examples:
  sky launch examples/minimal.yaml         run a task file
  sky launch -c dev -- echo hello          run a command on the cluster dev
  sky exec dev python train.py             run another one there
  sky optimize train.yaml --dryrun         plan only: what, where, what cost
  sky down dev                             end it

Errors are one message; SKY_DEBUG=1 shows where they come from."""


class _ReaderLeft(Exception):
    """Nobody reads the output any more. Not an ``OSError``: click would end the process with 1."""


@contextmanager
def _broken_pipe_told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise _ReaderLeft from error


class LazyGroup(click.Group):
    """A group that imports a command's module when it is called, and lists all without importing any."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the words; ``--help`` and ``--version`` print here."""
        with _broken_pipe_told():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _broken_pipe_told():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the table above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command, or return ``None`` for an unknown one."""
        cmd_name = ALIASES.get(cmd_name, cmd_name)
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = import_module(f"sky.cli.{entry.module}")
        command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown name is answered with the nearest one."""
        if args and args[0] not in {*COMMANDS, *ALIASES} and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands by section."""
        for section in (_CLUSTERS, _JOBS, _PLANS):
            rows = [(name, entry.summary) for name, entry in COMMANDS.items() if entry.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        import sky

        click.echo(f"sky {sky.__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.option(
    "--version",
    "-v",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
def cli() -> None:
    """Plan where tasks run, prove the plan optimal, and run them."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    _log_to_stderr()
    if os.environ.get("SKY_DEBUG"):
        sys.exit(_run(args))
    try:
        code = _run(args)
    except (click.Abort, KeyboardInterrupt) as error:
        declined = isinstance(error, click.Abort) and not isinstance(error.__cause__, KeyboardInterrupt)
        click.echo("Nothing was done." if declined else "Interrupted.", err=True)
        code = EXIT_ERROR if declined else EXIT_INTERRUPTED
    except (_ReaderLeft, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_BROKEN_PIPE
    except (SkyError, OSError) as error:
        click.echo(f"{click.style('Error:', fg='red', bold=True)} {error}", err=True)
        code = exit_code_of(error)
    sys.exit(code)


def _run(args: list[str] | None) -> int:
    try:
        outcome: Any = cli.main(args=args, prog_name="sky", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    sys.stdout.flush()
    return outcome if isinstance(outcome, int) else 0


def exit_code_of(error: Exception) -> int:
    """Return the exit code that tells a script what kind of error it was."""
    if isinstance(error, Infeasible):
        return EXIT_INFEASIBLE
    return EXIT_USAGE if isinstance(error, UserError) else EXIT_ERROR


def _log_to_stderr() -> None:
    """Show progress of ``sky`` and warnings of everything else; stdout is for results alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("sky").setLevel(logging.INFO)
