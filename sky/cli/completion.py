"""``sky completion``."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script of SHELL, for commands, flags and cluster names.

    \b
    Bash, in ~/.bashrc:
      eval "$(sky completion bash)"
    Zsh, in ~/.zshrc:
      eval "$(sky completion zsh)"
    Fish, once:
      sky completion fish > ~/.config/fish/completions/sky.fish
    """
    from click.shell_completion import get_completion_class

    from sky.cli.main import cli

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "sky", "_SKY_COMPLETE").source())
