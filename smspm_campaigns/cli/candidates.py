"""What Tab offers. It never makes, changes or prints anything; where it knows nothing, nothing."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

_LARGEST: Final = 10_000_000  # bytes of a file that is read while somebody waits for Tab


def _quietly(
    find: Callable[[click.Context], list[str]],
) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        try:
            with warnings.catch_warnings(action="ignore"):
                return [name for name in find(ctx) if name.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - a person is typing; the command itself will tell
            return []

    return complete


@_quietly
def campaign_names(ctx: click.Context) -> list[str]:
    from smspm_campaigns.delivery.ledger import Ledger, default_path, read  # noqa: PLC0415 - quick

    path = Path(ctx.params.get("ledger") or default_path()).expanduser()
    with Ledger.open(path) as ledger:
        return [record.name for record in read.all_campaigns(ledger)]


@_quietly
def column_names(ctx: click.Context) -> list[str]:
    from smspm_campaigns.frames.contacts import read_contacts  # noqa: PLC0415 - pandas

    frame = read_contacts(
        _file(ctx),
        sheet=ctx.params.get("sheet"),
        encoding=ctx.params.get("encoding"),
        delimiter=ctx.params.get("delimiter"),
    )
    return [str(name) for name in frame.columns]


@_quietly
def sheet_names(ctx: click.Context) -> list[str]:
    import python_calamine  # noqa: PLC0415 - quick

    return python_calamine.CalamineWorkbook.from_path(_file(ctx)).sheet_names


def _file(ctx: click.Context) -> Path:
    """Return the file that was typed; behind an option without a value it is not parsed yet."""
    path = Path(ctx.params.get("file") or ctx.args[-1])
    if path.stat().st_size > _LARGEST:
        raise OverflowError
    return path
