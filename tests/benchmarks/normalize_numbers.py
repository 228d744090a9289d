"""Normalizing a frame of numbers against the loop that one writes by hand with phonenumbers.

    python tests/benchmarks/normalize_numbers.py [--rows 1000000]

Prints, for numbers of twelve countries and of all regions in random order, how long each takes in
this one run, and how many times faster `normalize_numbers` is. Both must give the same results.
"""

import random
import time
from collections.abc import Iterator, Sequence

import click
import pandas as pd
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

import smspm_campaigns as smspm

TWELVE = ("DE", "EE", "ES", "FI", "FR", "GB", "IT", "LT", "LV", "NL", "PL", "SE")
LINES = {value: name.lower() for name, value in vars(PhoneNumberType).items() if name.isupper()}
FORMATS = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)

Spelling = tuple[str, str]  # the cell, and the region it is read for
Result = tuple[str | None, str | None, str | None]


def valid_numbers(region: str, dice: random.Random) -> Iterator[Spelling]:
    """Yield valid numbers of a region in the spellings of campaign files, without end."""
    examples = [
        example
        for line in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
        if (example := phonenumbers.example_number_for_type(region, line))
    ]
    while True:
        example = dice.choice(examples)
        digits = phonenumbers.national_significant_number(example)
        kept = dice.randint(max(1, len(digits) - 7), len(digits) - 1)
        tail = "".join(dice.choices("0123456789", k=len(digits) - kept))
        number = phonenumbers.parse(f"+{example.country_code}{digits[:kept]}{tail}")
        if phonenumbers.is_valid_number(number):
            cell = phonenumbers.format_number(number, dice.choice(FORMATS))
            if is_valid_behind_a_plus(cell):  # read twice, which is more than the loop does
                cell = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            yield cell, region


def is_valid_behind_a_plus(cell: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(f"+{cell}"))
    except NumberParseException:
        return False


def make(regions: Sequence[str], rows: int, dice: random.Random) -> list[Spelling]:
    """Make this many spellings, region after region, then shuffle them."""
    each = -(-rows // len(regions))
    spellings = [
        spelling
        for region in regions
        for _, spelling in zip(range(each), valid_numbers(region, dice), strict=False)
    ]
    dice.shuffle(spellings)
    return spellings[:rows]


def by_hand(spellings: Sequence[Spelling]) -> list[Result]:
    """Do what a user does without this package."""
    results: list[Result] = []
    for cell, region in spellings:
        try:
            number = phonenumbers.parse(cell, region)
        except NumberParseException:
            results.append((None, None, None))
            continue
        if not phonenumbers.is_valid_number(number):
            results.append((None, None, None))
            continue
        digits = phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]
        country = phonenumbers.region_code_for_number(number)
        results.append((digits, country, LINES[phonenumbers.number_type(number)]))
    return results


def measure(title: str, spellings: Sequence[Spelling]) -> None:
    frame = pd.DataFrame(spellings, columns=["phone", "country"], dtype="str")
    start = time.perf_counter()
    normalized = smspm.normalize_numbers(frame, region="country")
    ours = time.perf_counter() - start

    start = time.perf_counter()
    expected = by_hand(spellings)
    theirs = time.perf_counter() - start

    results = normalized[["sms_to", "sms_country", "sms_line"]]
    if not results.equals(pd.DataFrame(expected, columns=results.columns, dtype="str")):
        raise click.ClickException(f"{title}: the results differ.")
    per_number = 1e6 / len(spellings)
    click.echo(
        f"{title:24}{len(spellings):>10,}{theirs * per_number:>12.2f}{ours * per_number:>12.2f}"
        f"{theirs / ours:>10.1f} x"
    )


@click.command(help=__doc__)
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(rows: int, seed: int) -> None:
    smspm.normalize_numbers(pd.DataFrame({"phone": ["+37256789045"]}))  # both are imported
    dice = random.Random(seed)
    click.echo(f"{'numbers of':24}{'rows':>10}{'loop µs':>12}{'ours µs':>12}{'faster':>12}")
    measure("twelve countries", make(TWELVE, rows, dice))
    everywhere = sorted(phonenumbers.SUPPORTED_REGIONS)
    measure("all regions, shuffled", make(everywhere, rows, dice))


if __name__ == "__main__":
    main()
