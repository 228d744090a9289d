"""The commands that look at a file before anything is sent."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Terminal

CHECK = ("check", "people.csv", "--region", "SE")
PREVIEW = ("preview", "people.csv", "--region", "SE", "--template", "Hi {{ name }}! STOP: 1")


def test_problems_are_listed_by_code_with_the_row_of_the_spreadsheet(terminal: "Terminal") -> None:
    """Each has its sentence, and any of them makes the exit code 1."""
    told = terminal(*CHECK)
    assert (told.code, told.err) == (1, "")
    assert told.out == (
        "people.csv: 4 rows, 2 with a problem.\n"
        "\n"
        "No number (missing_number), 1 row:\n"
        "  row 4  No number: the cell is blank.\n"
        "\n"
        "Duplicate (duplicate), 1 row:\n"
        "  row 5  Duplicate: row 3 has the same number and is kept.\n"
    )


def test_a_file_without_problems_ends_with_0(terminal: "Terminal") -> None:
    """A script goes on from there; nothing was made."""
    (terminal.folder / "people.csv").write_text("phone\n+46701740605\n", encoding="utf-8")
    told = terminal(*CHECK)
    assert (told.code, told.out) == (0, "people.csv: 1 row, 0 with a problem.\n")
    assert not terminal.ledger.exists()


def test_a_file_without_rows_has_nothing_to_send(terminal: "Terminal") -> None:
    """A script that goes on after 0 does not go on from there; the sentence says why."""
    (terminal.folder / "people.csv").write_text("name,phone\n", encoding="utf-8")
    told, scripted = terminal(*CHECK), terminal(*CHECK, "--json")
    assert (told.code, told.out) == (1, "people.csv has a header and no rows.\n")
    assert (scripted.code, scripted.document["rows"], scripted.document["problems"]) == (1, 0, {})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--template", "Hi {{ name }}{{ city }}"), "asks for {{ city }}, which no column has"),
        (("--template", "{% if name == 'Bo' %}{{ 1 // 0 }}{% endif %}"), "row 3  Template error:"),
        (("--country", "DE"), "Country not allowed (country_not_allowed), 3 rows:"),
        (("--opted-out", "out.csv"), "Opted out (opted_out), 1 row:\n  row 2  Opted out: listed"),
    ],
)
def test_a_check_takes_every_step_that_is_asked_for(
    options: tuple[str, ...], said: str, terminal: "Terminal"
) -> None:
    """Opt-outs are read as the region reads them, and a template is tried on each row."""
    (terminal.folder / "out.csv").write_text("number\n070-174 06 05\n", encoding="utf-8")
    told = terminal(*CHECK, *options)
    assert (told.code, said in told.out + told.err) == (1, True), told


def test_opted_out_numbers_have_a_region_of_their_own(terminal: "Terminal") -> None:
    """Numbers take theirs from a column, and the list of those who opted out from one country."""
    people = "name,phone,land\nAnna,070-174 06 05,SE\nBo,0171 3920012,DE\n"
    (terminal.folder / "people.csv").write_text(people, encoding="utf-8")
    (terminal.folder / "out.csv").write_text("number\n0171 3920012\n", encoding="utf-8")
    command = ("check", "people.csv", "--region", "land", "--opted-out", "out.csv")
    refused = terminal(*command)
    assert (refused.code, refused.out) == (1, "")
    assert "mend it, say --opted-out-region when it lacks a country code." in refused.err
    told = terminal(*command, "--opted-out-region", "DE")
    assert (told.code, told.err) == (1, "")
    assert told.out == (
        "people.csv: 2 rows, 1 with a problem.\n"
        "\n"
        "Opted out (opted_out), 1 row:\n"
        "  row 3  Opted out: listed in out.csv, row 2.\n"
    )


@pytest.mark.parametrize("region", ["SE", "Sweden", "land"])
def test_the_region_of_those_who_opted_out_comes_first(region: str, terminal: "Terminal") -> None:
    """Where both are named, each list is read by its own."""
    people = "name,phone,land\nAnna,070-174 06 05,SE\nBo,+491713920012,SE\n"
    (terminal.folder / "people.csv").write_text(people, encoding="utf-8")
    (terminal.folder / "out.csv").write_text("number\n0171 3920012\n", encoding="utf-8")
    german = ("--opted-out", "out.csv", "--opted-out-region", "DE")
    told = terminal("check", "people.csv", "--region", region, *german, "--json")
    assert told.document["problems"] == {"opted_out": 1}


def test_many_rows_of_a_problem_are_cut_and_counted(terminal: "Terminal") -> None:
    """The first twenty are shown, `--all` shows them all, and JSON always has every one."""
    lines = "".join(f"{n},\n" for n in range(25))
    (terminal.folder / "people.csv").write_text(f"name,phone\n{lines}", encoding="utf-8")
    short, whole = terminal(*CHECK), terminal(*CHECK, "--all")
    assert short.out.splitlines()[-2:] == [
        "  row 21  No number: the cell is blank.",
        "  … and 5 more; --all lists them.",
    ]
    assert whole.out.splitlines()[-1] == "  row 26  No number: the cell is blank."
    assert len(terminal(*CHECK, "--json").document["listed"]) == 25


def test_a_number_with_two_readings_is_worth_a_look_and_no_problem(terminal: "Terminal") -> None:
    """The row is sent, and how it was read is said; the preview names this command for it."""
    (terminal.folder / "people.csv").write_text("phone\n37256789045\n", encoding="utf-8")
    told = terminal("check", "people.csv", "--region", "DE")
    assert told.code == 0
    assert "\nSent, but look at it (two readings), 1 row:\n  row 2  Two readings: '3725" in told.out
    template = ("--region", "DE", "--template", "Hi! STOP: 1")
    assert "`smspm-campaigns check` says\n  how" in terminal("preview", "people.csv", *template).out


def test_a_check_is_one_document_for_a_script(terminal: "Terminal") -> None:
    """Rows by code, and each with its number in the spreadsheet and its sentence."""
    told = terminal(*CHECK, "--json")
    assert told.code == 1
    assert told.document == {
        "file": "people.csv",
        "rows": 4,
        "rows_with_problem": 2,
        "problems": {"missing_number": 1, "duplicate": 1},
        "listed": [
            {
                "row": 4,
                "problem": "missing_number",
                "detail": "No number: the cell is blank.",
            },
            {
                "row": 5,
                "problem": "duplicate",
                "detail": "Duplicate: row 3 has the same number and is kept.",
            },
        ],
    }
    assert told.err.startswith("people.csv: 4 rows, 2 with a problem.\n")


def test_the_details_of_a_check_name_options_and_mask_numbers(terminal: "Terminal") -> None:
    """A cell that lacks a country code is shown, but not whole, and the option to give is named."""
    (terminal.folder / "people.csv").write_text("phone\n0701740605\n", encoding="utf-8")
    told = terminal("check", "people.csv")
    assert "it has no country code; say --region." in told.out
    assert "0701740605" not in told.out
    assert "0701740605" in terminal("check", "people.csv", "--show-numbers").out


def test_the_preview_sends_nothing_and_makes_no_ledger(terminal: "Terminal") -> None:
    """Looking leaves no trace."""
    told = terminal(*PREVIEW)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("Messages:  2 of 4 rows; 2 will not be sent\n")
    assert not terminal.ledger.exists()


def test_the_preview_shows_numbers_when_asked_for(terminal: "Terminal") -> None:
    """They are masked without the flag, as text and as JSON."""
    masked, whole = terminal(*PREVIEW), terminal(*PREVIEW, "--show-numbers")
    assert "to 4670*****05 (" in masked.out
    assert whole.out == masked.out.replace("4670*****05", "46701740605").replace(
        "4670*****06", "46701740606"
    )
    scripted = terminal(*PREVIEW, "--json"), terminal(*PREVIEW, "--json", "--show-numbers")
    assert [told.document["samples"][0]["number"] for told in scripted] == [
        "4670*****05",
        "46701740605",
    ]


def test_the_preview_is_one_document_for_a_script(terminal: "Terminal") -> None:
    """Its figures are those of the library, money is a number, what is not known is null."""
    (terminal.folder / "prices.csv").write_text("country,price\nSE,0.05\n", encoding="utf-8")
    without = terminal(*PREVIEW, "--json").document
    document = terminal(*PREVIEW, "--prices", "prices.csv", "--json").document
    assert (without["cost"], without["unpriced"]) == (None, 2)
    samples = document.pop("samples")
    assert [sample["parts"] for sample in samples] == [["Hi Anna! STOP: 1"], ["Hi Bo! STOP: 1"]]
    assert document == {
        "file": "people.csv",
        "rows": 4,
        "messages": 2,
        "problems": {"missing_number": 1, "duplicate": 1},
        "texts": 2,
        "requests": 2,
        "segments": 2,
        "encodings": [{"encoding": "GSM-7", "messages": 2, "segments": 2}],
        "cost": 0.1,
        "unpriced": 0,
        "countries": [{"country": "SE", "messages": 2, "segments": 2, "cost": 0.1}],
        "seconds": 1.2,
        "forced": [],
        "warnings": [],
    }


@pytest.mark.parametrize(("columns", "at_most"), [(60, 59), (80, 79), (200, 100)])
def test_the_preview_is_as_wide_as_the_terminal(
    columns: int, at_most: int, terminal: "Terminal"
) -> None:
    """Lines are broken to fit it, and are no longer than one likes to read."""
    text = "word " * 60 + "STOP: 1"
    told = terminal("preview", "people.csv", "--region", "SE", "--template", text, columns=columns)
    longest = max(map(len, told.out.splitlines()))
    assert at_most - 10 < longest <= at_most


def test_a_note_is_a_sentence_in_the_words_of_the_terminal(terminal: "Terminal") -> None:
    """Warnings are told without the line of code they come from, and name options."""
    told = terminal("preview", "people.csv", "--region", "SE", "--template", "“Hi”" + "." * 80)
    assert told.err == (
        "Note: No text says how to opt out. Add a line such as 'Reply STOP to opt out'.\n"
    )
    assert "--replace 'typography' would save" in told.out


def test_a_terminal_without_letters_is_no_crash(terminal: "Terminal") -> None:
    """What a terminal cannot show is replaced."""
    arguments = ("preview", "people.csv", "--region", "SE", "--template", "李 STOP")
    assert "  ? STOP" in terminal(*arguments, encoding="cp1252").out
