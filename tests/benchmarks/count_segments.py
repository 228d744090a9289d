"""Counting the segments of a frame of texts against the loop over characters that one writes.

    python tests/benchmarks/count_segments.py [--rows 200000]

Prints, for texts of mixed length in GSM-7, and for texts of which a third is in Unicode, how long
each takes in this one run (the best of three, in turns), and how many times as fast `measure_texts`
is. Both must give the same results.
"""

import random
import time
from collections.abc import Callable, Sequence

import click

from smspm_campaigns.frames.segments import GSM_BASIC, GSM_EXTENSION, measure_texts

BASIC, EXTENSION = set(GSM_BASIC), set(GSM_EXTENSION)
LETTERS = "abcdefghijklmnopqrstuvwxyz      ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'-%"
LENGTHS = (40, 80, 110, 150, 155, 200, 300)

Result = tuple[bool, int]


def gsm_text(dice: random.Random) -> str:
    """Write a text as campaigns have them: three in ten with umlauts and a price."""
    text = "".join(dice.choices(LETTERS, k=dice.choice(LENGTHS)))
    return text if dice.random() < 0.7 else f"Grüße, Zoé: {text[:-20]} 9 €"


def mixed_text(dice: random.Random) -> str:
    text = gsm_text(dice)
    return text + dice.choice(["…", "Ł", "Привет", "🎉"]) if dice.random() < 1 / 3 else text


def by_hand(texts: Sequence[str]) -> list[Result]:
    """Do what a user does without this package."""
    return [count(text) for text in texts]


def count(text: str) -> Result:
    units = 0
    for character in text:
        if character in BASIC:
            units += 1
        elif character in EXTENSION:
            units += 2
        else:
            break
    else:
        return False, segments(text, units, 160, 153, septets)
    units = len(text.encode("utf-16-le")) // 2
    return True, segments(text, units, 70, 67, utf16_units)


def segments(text: str, units: int, single: int, part: int, width: Callable[[str], int]) -> int:
    if units <= single:
        return 1
    if units == len(text):  # no pairs that a border could split
        return -(-units // part)
    made, used = 1, 0
    for needed in map(width, text):
        if used + needed > part:
            made, used = made + 1, 0
        used += needed
    return made


def septets(character: str) -> int:
    return 2 if character in EXTENSION else 1


def utf16_units(character: str) -> int:
    return 2 if character > "\uffff" else 1


def seconds(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    start = time.perf_counter()
    work(texts)
    return time.perf_counter() - start


def measure(title: str, texts: Sequence[str]) -> None:
    unicode, counts = measure_texts(texts)
    if list(zip(unicode.tolist(), counts.tolist(), strict=True)) != by_hand(texts):
        raise click.ClickException(f"{title}: the results differ.")
    rounds = [(seconds(measure_texts, texts), seconds(by_hand, texts)) for _ in range(3)]
    ours, theirs = map(min, zip(*rounds, strict=True))
    per_text = 1e6 / len(texts)
    click.echo(
        f"{title:24}{len(texts):>10,}{theirs * per_text:>12.2f}{ours * per_text:>12.2f}"
        f"{theirs / ours:>10.1f} x"
    )


@click.command(help=__doc__)
@click.option("--rows", default=200_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(rows: int, seed: int) -> None:
    dice = random.Random(seed)
    click.echo(f"{'texts':24}{'rows':>10}{'loop µs':>12}{'ours µs':>12}{'faster':>12}")
    measure("GSM-7", [gsm_text(dice) for _ in range(rows)])
    measure("a third in Unicode", [mixed_text(dice) for _ in range(rows)])


if __name__ == "__main__":
    main()
