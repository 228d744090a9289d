"""Preparing a campaign against the loops over its rows that one writes by hand.

    python tests/benchmarks/prepare_campaign.py [--rows 1000000] [--by-hand-rows 1000000]

The campaign has names in their own letters, numbers of twelve countries in several spellings, and
what such lists have: copies, opt-outs, numbers that are none, blank names. Prints the microseconds
a row that each step takes in this one run (the quicker of two), and how many times faster the
package is. The loops take minutes; they may run over fewer rows of the same kind. Both must give
the same number, country and line of each row, the same text, segments and cost of each row that is
sent, and the same figures of the campaign.
"""

import multiprocessing
import pickle
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click
import pandas as pd
import phonenumbers
from jinja2.sandbox import SandboxedEnvironment
from normalize_numbers import FORMATS, LINES, TWELVE
from pandas.testing import assert_frame_equal
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

import smspm_campaigns as smspm

TEMPLATE: Final = (
    "Hi {{ first_name }}, -20% on everything at {{ shop }} until Sunday! Show this message at the "
    "till. STOP: 1234"
)
PRICES: Final = {
    "DE": "0.075", "EE": "0.064", "ES": "0.058", "FI": "0.062", "FR": "0.059", "GB": "0.041",
    "IT": "0.065", "LT": "0.036", "LV": "0.048", "NL": "0.081", "PL": "0.031", "SE": "0.052",
}  # fmt: skip
SAMPLE: Final = Path(__file__).parents[2] / "sample_data" / "spring_sale.csv"
COPIES, OPTED_OUT, FAULTY, NAMELESS = 0.01, 0.01, 0.03, 0.02  # shares of the rows
DRAWN: Final = 7  # digits at the end of a number
LOST: Final = 4  # characters at the end of one that was cut

GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION: Final = frozenset("\f^{}\\[~]|€")

Spelling = tuple[str, str]  # the cell, and the country it is read for
Number = tuple[str, str, str]  # digits, country and line
Seconds = dict[str, float]  # of each step
#: Messages, segments, requests, and EUR.
Figures = tuple[int, int, int, float]
Campaign = tuple[pd.DataFrame, pd.DataFrame]  # the people, and those who opted out


def numbers(dice: random.Random) -> Iterator[Spelling]:
    """Yield mobile numbers in the spellings of campaign files, without end."""
    examples = [
        (region, example)
        for region in TWELVE
        if (example := phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE))
    ]
    size = 10**DRAWN
    while True:
        region, example = dice.choice(examples)
        national = int(example.national_number or 0) // size * size + dice.randrange(size)
        number = PhoneNumber(example.country_code, national)
        if not phonenumbers.is_valid_number(number):
            continue
        cell = phonenumbers.format_number(number, dice.choice(FORMATS))
        if cell.isdigit():  # bare digits are read twice, which is more than the loop does
            cell = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        yield cell, region


def make(rows: int, dice: random.Random) -> Campaign:
    """Make the people of a campaign, and those who opted out."""
    source = numbers(dice)
    spellings: list[Spelling] = []
    whole: list[int] = []
    for place in range(rows):
        fate = dice.random()
        if fate < FAULTY:
            cell, region = next(source)
            spellings.append((dice.choice(("", "4.91715E+11", cell[:-LOST])), region))
            continue
        copied = fate < FAULTY + COPIES and whole
        spellings.append(spellings[dice.choice(whole)] if copied else next(source))
        whole.append(place)
    people = pd.DataFrame(spellings, columns=["phone", "country"], dtype="str")
    sample = smspm.read_contacts(SAMPLE)  # a name that is more frequent there is so here too
    known = [name for name in sample["first_name"] if name]
    names = ["" if dice.random() < NAMELESS else dice.choice(known) for _ in range(rows)]
    people["first_name"] = pd.array(names, dtype="str")
    people["shop"] = pd.array(dice.choices(sample["shop"].tolist(), k=rows), dtype="str")
    opted_out = sorted(dice.sample(whole, int(OPTED_OUT * rows)))
    return people, people.iloc[opted_out][["phone", "country"]]


def ours(people: pd.DataFrame, opted_out: pd.DataFrame) -> tuple[pd.DataFrame, Figures, Seconds]:
    """Prepare the campaign with this package."""
    steps: dict[str, Callable[[pd.DataFrame], Any]] = {
        "numbers": lambda frame: smspm.normalize_numbers(frame, region="country"),
        "duplicates": smspm.mark_duplicates,
        "opt-outs": lambda frame: smspm.mark_suppressed(frame, opted_out, region="country"),
        "texts and segments": lambda frame: smspm.render_messages(frame, TEMPLATE),
        "costs": lambda frame: smspm.estimate_costs(frame, PRICES),
        "preview": smspm.preview,
    }
    seconds: Seconds = {}
    result: Any = people
    for name, step in steps.items():
        messages, start = result, time.perf_counter()
        result = step(messages)
        seconds[name] = time.perf_counter() - start
    figures = (result.messages, result.segments, result.requests, round(result.cost, 6))
    return messages, figures, seconds


def read(row: Mapping[Any, str]) -> Number | None:
    try:
        number = phonenumbers.parse(row["phone"], row["country"])
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    digits = phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]
    country = phonenumbers.region_code_for_number(number) or ""
    return digits, country, LINES[phonenumbers.number_type(number)]


def unseen(numbers: list[Number | None]) -> list[bool]:
    seen: set[str] = set()
    first = []
    for number in numbers:
        first.append(number is not None and number[0] not in seen)
        if number:
            seen.add(number[0])
    return first


def segments(text: str) -> int:
    septets = 0
    for character in text:
        if character in GSM_BASIC:
            septets += 1
        elif character in GSM_EXTENSION:
            septets += 2
        else:
            units = len(text.encode("utf-16-le")) // 2
            return 1 if units <= 70 else -(-units // 67)
    return 1 if septets <= 160 else -(-septets // 153)


def by_hand(people: pd.DataFrame, opted_out: pd.DataFrame) -> tuple[pd.DataFrame, Figures, Seconds]:
    """Do what a user does without this package; one step after the other, so that each is timed."""
    seconds: Seconds = {}
    begun = time.perf_counter()

    def lap(step: str) -> None:
        seconds[step] = time.perf_counter() - begun - sum(seconds.values())

    rows = people.to_dict("records")
    lap("rows as dicts")
    found = [read(row) for row in rows]
    lap("numbers")
    sent = unseen(found)
    lap("duplicates")
    unwanted = {number[0] for row in opted_out.to_dict("records") if (number := read(row))}
    sent = [
        free and number is not None and number[0] not in unwanted
        for free, number in zip(sent, found, strict=True)
    ]
    lap("opt-outs")
    template = SandboxedEnvironment().from_string(TEMPLATE)
    texts = [
        template.render(row) if wanted and row["first_name"] else None
        for row, wanted in zip(rows, sent, strict=True)
    ]
    counts = [None if text is None else segments(text) for text in texts]
    lap("texts and segments")
    prices = {country: Decimal(price) for country, price in PRICES.items()}
    costs = [
        float(prices[number[1]] * count) if number and count else None
        for number, count in zip(found, counts, strict=True)
    ]
    lap("costs")
    shared = Counter(text for text in texts if text is not None)
    figures = (
        shared.total(),
        sum(count for count in counts if count),
        sum(-(-count // 100) for count in shared.values()),
        round(sum(cost for cost in costs if cost), 6),
    )
    lap("preview")
    columns = {
        "sms_to": pd.array([number and number[0] for number in found], dtype="str"),
        "sms_country": pd.array([number and number[1] for number in found], dtype="str"),
        "sms_line": pd.array([number and number[2] for number in found], dtype="str"),
        "sms_text": pd.array(texts, dtype="str"),
        "sms_segments": pd.array(counts, dtype="Int64"),
        "sms_cost": pd.array(costs, dtype="float64"),
    }
    return pd.DataFrame(columns, index=people.index), figures, seconds


def compare(
    messages: pd.DataFrame, expected: pd.DataFrame, figures: Figures, expected_figures: Figures
) -> None:
    """Refuse results that differ: of a row that is not sent, the number alone is compared."""
    results = messages[list(expected.columns)].copy()
    results.loc[messages["sms_problem"].notna(), ["sms_text", "sms_segments", "sms_cost"]] = None
    try:
        assert_frame_equal(results, expected, check_exact=True)
    except AssertionError as error:
        raise click.ClickException(f"The results differ: {error}") from None
    if figures != expected_figures:
        raise click.ClickException(f"The figures differ: {figures} and {expected_figures}.")


def peak() -> float:
    """Return the most memory that this process has had so far, in MiB; 0 where nobody tells."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes; bytes on a Mac
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def peaks(path: Path) -> tuple[float, float]:
    """Return the peak in MiB with the people alone, and after their preparation."""
    campaign = pickle.loads(path.read_bytes())
    before = peak()
    ours(*campaign)
    return before, peak()


def show_memory(campaign: Campaign, other: ProcessPoolExecutor) -> None:
    """Prepare the campaign once more in another process, which saw neither its making nor loops."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "campaign.pickle"
        path.write_bytes(pickle.dumps(campaign))
        before, after = other.submit(peaks, path).result()
    click.echo(f"peak memory {after:,.0f} MiB, of which {before:,.0f} MiB before the first step")


def quickest(way: Callable[..., tuple[object, object, Seconds]], campaign: Campaign) -> Seconds:
    """Return the seconds of the quicker of two runs: the first may wait for fresh memory."""
    runs = [way(*campaign)[2] for _ in range(2)]
    return min(runs, key=lambda seconds: sum(seconds.values()))


def per_row(seconds: Seconds, rows: int) -> Seconds:
    return {step: taken / rows * 1e6 for step, taken in seconds.items()}


def show(loop: Seconds, own: Seconds) -> None:
    """Print the microseconds a row of each step, and of all."""
    click.echo(f"{'step':20}{'loop µs':>10}{'ours µs':>10}{'faster':>12}")
    for step, taken in loop.items():
        faster = f"{taken / own[step]:.1f} x" if step in own else ""
        click.echo(f"{step:20}{taken:>10.2f}{own.get(step, 0):>10.2f}{faster:>12}".rstrip())
    theirs, here = sum(loop.values()), sum(own.values())
    click.echo(f"{'all':20}{theirs:>10.2f}{here:>10.2f}{theirs / here:>10.1f} x")
    click.echo(f"{'rows a second':20}{1e6 / theirs:>10,.0f}{1e6 / here:>10,.0f}")


@click.command(help=__doc__)
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--by-hand-rows", type=int, help="Rows of the loops; all of them by default.")
@click.option("--seed", default=1, show_default=True)
def main(rows: int, by_hand_rows: int | None, seed: int) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        other.submit(peak).result()  # begun while this one is small: a peak is handed down
        dice = random.Random(seed)
        campaign = make(rows, dice)
        part = make(by_hand_rows, dice) if by_hand_rows else campaign
        ours(*make(1_000, dice))  # what is only imported or compiled once is not timed
        messages, figures, _ = ours(*part)
        expected, expected_figures, _ = by_hand(*part)
        compare(messages, expected, figures, expected_figures)
        del messages, expected
        seconds = quickest(ours, campaign)
        loop_seconds = quickest(by_hand, part)
        click.echo(f"{rows:,} rows; the loops ran over {len(part[0]):,}.")
        show(per_row(loop_seconds, len(part[0])), per_row(seconds, rows))
        show_memory(campaign, other)


if __name__ == "__main__":
    main()
