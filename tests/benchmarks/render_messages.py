"""Rendering the messages of a frame against the loop over `Template.render` that one writes.

    python tests/benchmarks/render_messages.py [--rows 200000]

Prints how long each takes in this one run (the best of three, in turns), and how many times as fast
`render_messages` is, although it also composes letters, counts segments and judges every text. The
texts must be the same. The loop is Jinja's own, compiled once, in its sandbox.
"""

import random
import time
from collections.abc import Callable

import click
import pandas as pd
from jinja2.sandbox import ImmutableSandboxedEnvironment

import smspm_campaigns as smspm

NAMES = ("Jörg", "Renée", "Heike", "Héctor", "Õie", "Łukasz", "Жанна", "Maria", "John", "李娜")
SHOPS = ("Würzburg", "Hoboken", "Hamburg Altona", "La Romana", "Tartu")

PLAIN = (
    "Hi {{ first_name }}, -20% at {{ shop }} until Sunday, and your {{ points }} points count "
    "double. Reply STOP to opt out."
)
RICH = (
    "{% if points | int > 500 %}Dear {{ first_name | upper }}{% else %}Hi {{ first_name }}"
    "{% endif %}, see you in {{ shop | replace(' ', '-') }}. {{ points | int * 2 }} points! STOP"
)


def people(rows: int, dice: random.Random) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "first_name": [f"{dice.choice(NAMES)} {row}" for row in range(rows)],
            "last_name": "Möllering",
            "phone": "0171 39200 12",
            "country": "DE",
            "shop": dice.choices(SHOPS, k=rows),
            "points": [str(dice.randint(1, 999)) for _ in range(rows)],
            "joined": "2024-01-24",
        },
        dtype="str",
    )


def by_hand(frame: pd.DataFrame, source: str) -> list[str]:
    """Do what a user does without this package."""
    template = ImmutableSandboxedEnvironment().from_string(source)
    return [template.render(**row) for row in frame.to_dict("records")]  # type: ignore[arg-type]


def seconds(work: Callable[[pd.DataFrame, str], object], frame: pd.DataFrame, source: str) -> float:
    start = time.perf_counter()
    work(frame, source)
    return time.perf_counter() - start


def measure(title: str, frame: pd.DataFrame, source: str) -> None:
    if smspm.render_messages(frame, source)["sms_text"].to_list() != by_hand(frame, source):
        raise click.ClickException(f"{title}: the texts differ.")
    rounds = [
        (seconds(smspm.render_messages, frame, source), seconds(by_hand, frame, source))
        for _ in range(3)
    ]
    ours, theirs = map(min, zip(*rounds, strict=True))
    per_row = 1e6 / len(frame)
    click.echo(
        f"{title:24}{len(frame):>10,}{theirs * per_row:>12.2f}{ours * per_row:>12.2f}"
        f"{theirs / ours:>10.1f} x"
    )


@click.command(help=__doc__)
@click.option("--rows", default=200_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(rows: int, seed: int) -> None:
    frame = people(rows, random.Random(seed))
    click.echo(f"{'template':24}{'rows':>10}{'loop µs':>12}{'ours µs':>12}{'faster':>12}")
    measure("placeholders", frame, PLAIN)
    measure("if, filters, sums", frame, RICH)


if __name__ == "__main__":
    main()
