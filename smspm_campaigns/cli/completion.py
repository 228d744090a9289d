"""The command that makes Tab complete."""

import click
from click.shell_completion import get_completion_class

from smspm_campaigns.cli import options as opt


@click.command(cls=opt.Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes Tab complete commands and names.

    \b
    bash, in ~/.bashrc:
      eval "$(smspm-campaigns completion bash)"
    zsh, in ~/.zshrc, after compinit:
      eval "$(smspm-campaigns completion zsh)"
    fish, in ~/.config/fish/config.fish:
      smspm-campaigns completion fish | source
    """  # noqa: D301 - click's sign for lines as they are
    root = click.get_current_context().find_root()
    program = root.info_name or ""
    script = get_completion_class(shell)
    if script is None:  # of a click to come
        raise click.ClickException(f"This click completes nothing in {shell}.")
    variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
    click.echo(script(root.command, {}, program, variable).source())
