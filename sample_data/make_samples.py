"""Write the sample campaign and its companions: the same files at every run.

Every phone number comes from a range that a regulator keeps free for fiction (see README.md).
"""

import csv
import io
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import xlsxwriter

HERE = Path(__file__).parent
TEMPLATE = "Hi {{ first_name }}, -20% at {{ shop }} until Sunday. Reply STOP to opt out.\n"
SEED = 42
FIRST_JOINED, JOINED_DAYS = date(2021, 1, 4), 1700
HIDDEN_AT, BLANK_LINE_AT = 212, -3  # positions among the data rows


class Number(NamedTuple):
    """A phone number as its calling code and its grouped national digits, without the 0."""

    code: str
    groups: str


class Row(NamedTuple):
    """One line of the campaign list; its fields are the columns."""

    first_name: str
    last_name: str
    phone: str | int  # an int becomes a numeric cell, as when Excel "helps"
    country: str
    shop: str
    points: int
    joined: date


class Valid(NamedTuple):
    """A row together with the number that its phone cell spells."""

    number: Number
    row: Row


# --- Numbers that can receive texts in form, and belong to nobody -----------------------------

CODES = {"DE": "49", "SE": "46", "AU": "61", "US": "1", "CA": "1", "JM": "1", "PR": "1", "DO": "1"}
COUNTS = {"DE": 206, "SE": 94, "AU": 30, "US": 95, "CA": 78, "JM": 26, "PR": 26, "DO": 26}
DE_SINGLE = (
    "152 28817386,152 28895456,152 54599371,172 9925904,172 9968532,"
    "172 9973185,172 9973186,172 9980752,174 9091317,174 9464308"
)
AU_SINGLE = (
    "570 006,570 156,570 157,570 158,570 159,570 110,570 313,570 737,571 266,571 491,"
    "571 804,572 549,572 665,572 983,573 770,573 087,574 118,574 632,575 254,575 789,"
    "576 398,576 801,577 426,577 644,578 957,578 148,578 888,579 212,579 760,579 455"
)


def nanp(*areas: int) -> list[str]:
    """The fictional numbers 555-0100 to 555-0199 of some North American area codes."""
    return [f"{area} 555 01{n:02d}" for area in areas for n in range(100)]


POOLS: dict[str, list[str]] = {
    "DE": [f"171 39200 {n:02d}" for n in range(100)]  # Bundesnetzagentur, notice 148/2021
    + [f"176 040690 {n:02d}" for n in range(100)]
    + DE_SINGLE.split(","),
    "SE": [f"70-174 06 {n:02d}" for n in range(5, 100)],  # PTS
    "AU": [f"491 {digits}" for digits in AU_SINGLE.split(",")],  # ACMA
    "US": nanp(212, 312, 206),  # NANPA
    "CA": nanp(416, 514, 902),
    "JM": nanp(876),
    "PR": nanp(787),
    "DO": nanp(809),
}

# --- Invented people ---------------------------------------------------------------------------

FIRST_NAMES = {
    "DE": "Anke Jürgen Sabine Torsten Heike Günter Silke Björn Käthe Holger Frauke Jörg Petra Sönke"
    " Annika Rüdiger Imke Detlef Wiebke Achim Gesa Lennart Ulrike Volker",
    "SE": "Åsa Göran Märta Örjan Kerstin Håkan Gunnel Torbjörn Ylva Östen Märit Åke Birgitta Jörgen"
    " Pär Solveig Rasmus Tuva Anneli Sören Elin Mårten Désirée",
    "AU": "Tahlia Darcy Brooke Lachlan Shayla Callum Imogen Bronte Keira Angus Matilda Jarrah",
    "US": "Denise Marcus Yolanda Trent Shauna Darnell Paige Curtis Luz Wendell Kendra Elias Renée"
    " Joanna Beatriz Clayton Roxanne Dwight",
    "CA": "Geneviève Étienne Mélanie Sylvain Amélie Gordon Heather René Josée Fiona Hélène Priya"
    " Marc-André Noémie Douglas Léa",
    "JM": "Shanice Winston Marcia Delroy Tamika Errol Keisha Devon Althea Nadine Lloyd Sonia",
    "PR": "Yadira Begoña Wilfredo Noelia Amarilis Ramiro Maribel Toño Migdalia Osvaldo Nereida",
    "DO": "Altagracia Josué Inés Zulma Ramona Fausto Leocadia Héctor Milagros Domingo Yokasta",
    "GB": "Gillian Nigel Bronwen Alistair Philippa Graham Rhona",
    "FR": "Hélène Théo Aurélie Régis Mireille Sébastien Agnès",
}
LAST_NAMES = {
    "DE": "Brüggemann Großkopf Kühling Möllering Schäferkamp Lüttgens Pahlke Röhrig Steinkamp"
    " Haßlinger Jänicke Wöhrmann Ziegenhagen Fehlhaber Köppen Drögemüller Niehues Wübbena Oltmanns"
    " Rathje Süßmilch Eggebrecht Harbeck Nölting",
    "SE": "Åkerblom Bergsjö Dahlfors Ekmark Fjällström Granåker Hedvall Järnebrink Källander"
    " Lundåsen Mörkberg Nybäck Ryfors Sjölinder Tångring Ågesjö Björkegård Öhrfelt Kvarnlund",
    "AU": "Wattleworth Hargrave Dunmore Pickering Cobley Ashdown Tranter Wollaston Birdsall Kirkby",
    "US": "Hollingsworth Lindqvist Castaneda Peña Whitlock Barrineau Ostrander Muñoz Ellsworth"
    " Kowalczyk Trujillo Ridgeway Hathcock Vandermeer Stallworth Prewett",
    "CA": "Lachapelle Deslauniers Thériault Marchildon McAllister Sauvageot Bérubé Sandhu"
    " Fraser-Kerr Beauséjour Wetherby Archambeault Larivaud Longpré",
    "JM": "Blackwood Whyte Dacres Facey Lawes Pinnock Scarlett Thelwell Wynter Barrowclough",
    "PR": "Peña Muñoz Quiñones Méndez Vélez Rosario Montañez Avilés Zayas Maldonado",
    "DO": "Cedeño Patiño Ordoñez Pacheco Bermejo Treviño Logroño Castaño Polanco Arredondo",
    "GB": "Thistlewood Ackerby Pemberton Brathwell Cleghorn Ormsby Wetherall",
    "FR": "Villedieu Montéliard Barrère Castéran Désormeaux Fougère Lanvollon",
}
SHOPS = {
    "DE": "Köln Ehrenfeld,München Sendling,Düsseldorf Altstadt,Hamburg Altona,Nürnberg,Würzburg",
    "SE": "Göteborg Haga,Malmö Möllan,Västerås City,Umeå,Örebro,Stockholm Söder",
    "AU": "Fitzroy,Fremantle,Newtown,Hobart Quay",
    "US": "Brooklyn Heights,Oak Park,Capitol Hill,Hoboken",
    "CA": "Montréal Plateau,Québec Vieux-Port,Toronto Leslieville,Halifax Quay",
    "JM": "Kingston Half Way Tree,Montego Bay,Ocho Rios",
    "PR": "San Juan Santurce,Mayagüez,Bayamón,Ponce",
    "DO": "Santo Domingo Naco,Santiago Centro,La Romana,Higüey",
    "GB": "London Camden,Leeds,Bristol Harbourside",
    "FR": "Lyon Croix-Rousse,Orléans,Nîmes",
}
# Names outside GSM-7, for the first people of a country.
UNICODE_NAMES = {
    "DE": "Łukasz Grzelewski,Żaneta Wronkowska,Жанна Дружилова,Çiğdem Yağmurlu,Dušan Vidaković,"
    "Tõnu Õunamägi,Šárka Hložková,Ayşe Demirbağ,Paweł Zdunkiewicz",
    "SE": "Žilvinas Bartkūnas,Oğuz Denizer,Zoë Ekmark,Дмитро Ковальчак,Jānis Kalnozols",
    "AU": "伟明 李,Siân Cobley",
    "US": "秀英 李,Ngọc Lưu,Tomás Castañeda,Božena Hrubý",
    "CA": "François Longpré,Loïc Larivaud,Benoît Sauvageot",
    "PR": "Sofía Zayas,Raúl Quiñones",
    "DO": "María Polanco,Agustín Cedeño",
}
# Names that are missing, or that break careless code; their numbers are good.
ODD_NAMES = {
    "DE": [("", "Möllering"), ("", "")],
    "SE": [("<b>Olle</b>", "Dahlfors"), ("", "Nybäck")],
    "US": [
        ("Minji", "NA"),
        ("{{ points }}", "Prewett"),
        ("Kim", '=HYPERLINK("http://example.com","click")'),
        ("", "Whitlock"),
    ],
}

# --- Cells that cannot be texted ----------------------------------------------------------------

PROBLEM_PHONES: dict[str, dict[str, list[str | int]]] = {
    "blank": {"DE": ["", "   "], "SE": [""], "US": [""], "CA": [""], "PR": [""]},
    "landline": {
        "GB": ["020 7946 0018", "+44 20 7946 0123", "(020) 7946 0345", "02079460789", 442079460456],
        "DE": ["030 23125 017", "+49 89 99998 123"],
        "SE": ["08-465 004 21"],
    },
    "digits lost": {
        "DE": ["4.9171E+11", "4,91714E+11", "########"],
        "SE": ["4,67017E+10"],
        "US": ["1,21256E+10"],
        "GB": ["4,47701E+11"],
    },
    "too short": {"DE": ["0171 392", "+49 171 39200"], "SE": ["070-174 06"], "US": ["555-0142"]},
    "too long": {
        "DE": ["+49 171 3920012345"],
        "SE": ["+46 70 174 06 05 05 05"],
        "US": ["+1 212 555 0123 99"],
    },
    "words": {
        "DE": ["keine Nummer"],
        "SE": ["-"],
        "US": ["unknown"],
        "CA": ["n/a"],
        "GB": ["call mum"],
        "FR": ["voir email"],
    },
    "no such mobile": {
        "GB": ["07700 900123", "+44 7700 900456", "447700900789.0", "07700900017", 447700900234],
        "FR": ["06 39 98 01 23", "+33 6 39 98 45 67", "0639980088", "06.39.98.31.02"],
    },
    "two in one": {
        "DE": ["0171 3920012 / 0171 3920013"],
        "SE": ["070-174 06 31, 070-174 06 32"],
        "US": ["212-555-0123 or 212-555-0124"],
    },
}

# --- Spellings of a good number -----------------------------------------------------------------


def digits(number: Number) -> str:
    """The international digits without a plus: 491713920012."""
    return number.code + "".join(filter(str.isdigit, number.groups))


def international(number: Number) -> str:
    """The proper way: +49 171 39200 12."""
    return f"+{number.code} {number.groups}"


def national(number: Number) -> str:
    """As dialled at home: 0171 39200 12, or (212) 555-0123."""
    if number.code == "1":
        area, exchange, line = number.groups.split()
        return f"({area}) {exchange}-{line}"
    return f"0{number.groups}"


def tel_link(number: Number) -> str:
    """Copied from a link: tel:+1-212-555-0123."""
    return "tel:" + international(number).replace(" ", "-")


def compact(number: Number) -> str:
    """With a plus and no spaces: +491713920012."""
    return f"+{digits(number)}"


def trunk_zero(number: Number) -> str:
    """With the zero that falls away abroad: +49 (0)171 39200 12."""
    return f"+{number.code} (0){number.groups}"


def double_zero(number: Number) -> str:
    """As dialled from abroad: 0049171 39200 12."""
    return f"00{number.code}{number.groups}"


def dotted(number: Number) -> str:
    """The American way: 212.555.0123."""
    return number.groups.replace(" ", ".")


Spelling = Callable[[Number], str | int]
COMMON: list[Spelling] = [
    *[international] * 6,
    *[national] * 5,
    *[compact] * 3,
    digits,
    tel_link,
    lambda n: international(n).replace(" ", "\u00a0"),  # no-break spaces
    lambda n: f"'{national(n)}",  # Excel's text mark, typed twice
    lambda n: f"\u202a{international(n)}\u202c",  # direction marks, pasted from a web page
    lambda n: f"\u200b{national(n)}",  # a zero-width space, likewise
    lambda n: f"{national(n)}  ",
    lambda n: f"{digits(n)}.0",  # a number that was a float in between
    *[lambda n: int(digits(n))] * 2,
]
EUROPEAN: list[Spelling] = [trunk_zero, trunk_zero, double_zero, double_zero]
LOCAL: dict[str, list[Spelling]] = {"DE": EUROPEAN, "SE": EUROPEAN, "AU": [trunk_zero]}
OPT_OUT_SPELLINGS = [international] * 7 + [compact] * 2 + [tel_link, double_zero, trunk_zero]

# --- The list -----------------------------------------------------------------------------------


def person(rng: random.Random, country: str, phone: str | int) -> Row:
    """A row with an invented person of a country."""
    return Row(
        rng.choice(FIRST_NAMES[country].split()),
        rng.choice(LAST_NAMES[country].split()),
        phone,
        country,
        rng.choice(SHOPS[country].split(",")),
        rng.randrange(0, 2400, 5),
        FIRST_JOINED + timedelta(days=rng.randrange(JOINED_DAYS)),
    )


def special_names(country: str) -> list[Sequence[str]]:
    """The names of a country that are outside GSM-7, missing or hostile."""
    unicode_names = UNICODE_NAMES[country].split(",") if country in UNICODE_NAMES else []
    return [*(name.split() for name in unicode_names), *ODD_NAMES.get(country, [])]


def valid_rows(rng: random.Random, country: str, groups: Iterable[str]) -> list[Valid]:
    """One person for each number; the special names of the country come first."""
    spellings = COMMON + LOCAL.get(country, [dotted] * 3)
    numbers = [Number(CODES[country], g) for g in groups]
    found = [Valid(n, person(rng, country, rng.choice(spellings)(n))) for n in numbers]
    for place, (first, last) in enumerate(special_names(country)):
        number, row = found[place]
        found[place] = Valid(number, row._replace(first_name=first, last_name=last))
    return found


def duplicates(ordinary: Sequence[Valid]) -> list[Row]:
    """Some people once more, their numbers spelled otherwise and more points by now."""
    national_ones = [v for v in ordinary if not str(v.row.phone).startswith("+")]
    return [
        row._replace(phone=international(number), points=row.points + 40)
        for number, row in national_ones[:: len(national_ones) // 7][:7]
    ]


def problem_rows(rng: random.Random) -> list[Row]:
    """A person for each phone cell that cannot be texted."""
    return [
        person(rng, country, phone)
        for kind in PROBLEM_PHONES.values()
        for country, phones in kind.items()
        for phone in phones
    ]


def build_rows() -> tuple[list[Row | None], list[tuple[str, str]]]:
    """The rows of the list (None: a blank line), and the opted-out numbers with their dates."""
    rng = random.Random(SEED)
    pools = {c: rng.sample(pool, len(pool)) for c, pool in POOLS.items()}
    ordinary: list[Valid] = []
    rows: list[Row] = []
    for country, count in COUNTS.items():
        found = valid_rows(rng, country, pools[country][:count])
        rows += [v.row for v in found]
        ordinary += found[len(special_names(country)) :]
    rng.shuffle(ordinary)
    hidden, *ordinary = ordinary
    rows.remove(hidden.row)
    strangers = [Number(CODES[c], pools[c][-1]) for c in ("DE", "SE", "US")]
    opted_out = opt_outs(rng, [v.number for v in ordinary[:9]], strangers)
    rows += duplicates(ordinary[9:])
    rows += problem_rows(rng)
    rng.shuffle(rows)
    listed: list[Row | None] = [*rows[:HIDDEN_AT], hidden.row, *rows[HIDDEN_AT:]]
    listed.insert(BLANK_LINE_AT, None)
    return listed, opted_out


def opt_outs(
    rng: random.Random, listed: Sequence[Number], strangers: Sequence[Number]
) -> list[tuple[str, str]]:
    """The opted-out numbers in mixed spellings, each with the date of its STOP."""
    numbers = rng.sample([*listed, *strangers], len(OPT_OUT_SPELLINGS))
    days = sorted(rng.randrange(300) for _ in numbers)
    return [
        (spell(number), str(date(2025, 1, 7) + timedelta(days=day)))
        for spell, number, day in zip(OPT_OUT_SPELLINGS, numbers, days, strict=True)
    ]


# --- The files ----------------------------------------------------------------------------------

PRICES = (
    "AT 0.0730,AU 0.0420,BE 0.0790,CA 0.0110,CH 0.0680,DE 0.0750,DK 0.0390,DO 0.0560,EE 0.0640,"
    "ES 0.0580,FI 0.0620,FR 0.0590,GB 0.0410,IE 0.0570,IT 0.0650,JM 0.0980,LT 0.0360,LV 0.0480,"
    "NL 0.0810,NO 0.0540,PL 0.0310,PR 0.0470,SE 0.0520,US 0.0090"
)


def csv_text(rows: Iterable[Sequence[object]], delimiter: str, end: str) -> str:
    """Rows as CSV text."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(rows)
    return out.getvalue()


def write_xlsx(path: Path, rows: Sequence[Row | None]) -> None:
    """The list as a workbook, with a frozen bold header and one hidden row."""
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"title": "Spring sale", "created": datetime(2025, 3, 14)})
        sheet = book.add_worksheet("Spring sale")
        sheet.write_row(0, 0, Row._fields, book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        sheet.fit_to_pages(1, 0)
        for column, width in enumerate((16, 20, 28, 9, 24, 8, 12)):
            sheet.set_column(column, column, width)
        whole = book.add_format({"num_format": "0"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for at, row in enumerate(rows, start=1):
            for column, value in enumerate(row or ()):
                if isinstance(value, date):
                    sheet.write_datetime(at, column, value, day)
                elif isinstance(value, int):
                    sheet.write_number(at, column, value, whole)
                elif value:
                    sheet.write_string(at, column, value)
        sheet.set_row(HIDDEN_AT + 1, None, None, {"hidden": True})


def main(folder: Path = HERE) -> None:
    """Write every data file into a folder."""
    rows, opted_out = build_rows()
    lines = [Row._fields, *(row or [""] * len(Row._fields) for row in rows)]
    prices = [(*line.split(), "illustrative, not a quotation") for line in PRICES.split(",")]
    texts = {
        "spring_sale.csv": "\ufeff" + csv_text(lines, ";", "\r\n"),
        "opted_out.csv": csv_text([("number", "date"), *opted_out], ",", "\n"),
        "prices.csv": csv_text([("country", "price", "note"), *prices], ",", "\n"),
        "spring_sale.txt": TEMPLATE,
    }
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode("utf-8"))
    write_xlsx(folder / "spring_sale.xlsx", rows)


if __name__ == "__main__":
    main()
