"""Which column a placeholder means, and which placeholders made the texts of a frame."""

import warnings
from pathlib import Path

import pandas as pd
import pytest

import smspm_campaigns as smspm
from smspm_campaigns.exceptions import ColumnNotFound
from smspm_campaigns.frames.placeholders import Origin, find_placeholders, identifier, origin_of

PEOPLE = pd.DataFrame(
    {"First Name": ["Ana", "Eva", None], "shop": ["Tartu", "Tartu", "Narva"], "age": [1, 2, 3]}
)


def placeholders_of(frame: pd.DataFrame) -> dict[str, int]:
    return origin_of(frame).placeholders


def test_letters_of_the_template_that_force_unicode_are_remembered() -> None:
    """Those of its text and of its constants, each once; of a frame from a file, nobody knows."""
    template = "‘Tere’ {{ shop }} {% if age %}…{% endif %}{{ 'Łódź' if age else 'é’' }}"
    frame = smspm.render_messages(PEOPLE, template)
    assert origin_of(frame) == Origin({"shop": 1}, "óŁź‘’…")  # the age is only asked
    assert origin_of(frame.head(1).copy()).literals == "óŁź‘’…"
    frame.attrs.clear()
    assert origin_of(frame).literals is None


@pytest.mark.parametrize(
    ("template", "literals"),
    [
        ("{{ shop }}{% if shop == 'Ł' %}x{% endif %}", ""),  # compared, and never written
        ("{{ {'Ł': 'ń'}[shop] | d('ż') }}", "ńż"),
        ("{{ 'Ł' if shop == 'ń' else shop }}", "Ł"),
        ("z\u0307{{ shop }}", "ż"),  # composed, as texts are
        ("{# Ł #}{{ shop }}", ""),
    ],
)
def test_only_what_is_written_is_the_templates_own(template: str, literals: str) -> None:
    """Letters that are only compared with, or stand in a comment, force nothing."""
    assert origin_of(smspm.render_messages(PEOPLE, template)).literals == literals


def test_column_and_placeholder_are_compared_composed() -> None:
    """An accent that stands alone in one and not in the other makes no difference."""
    frame = pd.DataFrame({"prénom": ["Ana"]})
    assert smspm.render_messages(frame, "{{ pre\u0301nom }}")["sms_text"].tolist() == ["Ana"]


def test_columns_made_of_the_template_cannot_stand_in_it() -> None:
    """The sentence says why, and lists nothing."""
    frame = pd.DataFrame({"sms_text": ["x"]})
    with pytest.raises(ColumnNotFound) as raised:
        smspm.render_messages(frame, "{{ sms_text }}")
    told = "{{ sms_text }} is made by the template, and cannot stand in it."
    assert str(raised.value) == told


def test_found_by_name_or_identifier() -> None:
    """The position of each column, by either of its two forms."""
    assert find_placeholders(PEOPLE, ["first_name", "shop"]) == {"first_name": 0, "shop": 1}
    with pytest.raises(ColumnNotFound, match="Did you mean 'first_name'"):
        find_placeholders(PEOPLE, ["firstname"])


def test_texts_of_a_frame_know_their_placeholders() -> None:
    """Rendering leaves them with the frame, through other helpers, filters and copies."""
    frame = smspm.render_messages(PEOPLE, "{{ shop }}: {{ first_name | upper }}")
    assert placeholders_of(frame) == {"first_name": 0, "shop": 1}
    assert placeholders_of(frame[frame["age"] > 1].copy().sort_values("age")) == {
        "first_name": 0,
        "shop": 1,
    }
    assert placeholders_of(smspm.render_messages(frame, "Hi")) == {}


def test_columns_that_went_or_moved_are_followed() -> None:
    """A dropped column is left out, a moved one is found where it is now."""
    frame = smspm.render_messages(PEOPLE, "{{ shop }} {{ first_name | d('x') }}")
    assert placeholders_of(frame[["age", "shop", "sms_text"]]) == {"shop": 1}


def test_frame_from_a_file_is_looked_at(tmp_path: Path) -> None:
    """Where nothing is remembered, a column counts whose cells all stand in their texts."""
    path = tmp_path / "messages.csv"
    frame = smspm.render_messages(PEOPLE, "{{ first_name }} {{ shop | lower }}, {{ shop }}")
    frame.to_csv(path, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = smspm.read_contacts(path)
    assert placeholders_of(again) == {"first_name": 0, "shop": 1}
    assert placeholders_of(PEOPLE) == {}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("First Name", "first_name"),
        ("  a--b ", "a_b"),
        ("2nd", "_2nd"),
        (2026, "_2026"),
        ("ÕUN", "õun"),
        ("!", ""),
        ("e\u0301", "é"),
    ],
)
def test_identifier_form(name: object, form: str) -> None:
    """Lower case, `_` for signs, nothing at the ends, no digit first, letters composed."""
    assert identifier(name) == form


def test_a_template_in_the_middle_of_a_pipe_warns_of_nothing() -> None:
    """What a frame remembers is no column, and two frames of one template go together."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = smspm.render_messages(PEOPLE, "{{ shop }}")
        both = pd.concat([frame, frame], ignore_index=True)
    assert list(frame.columns[:3]) == list(PEOPLE.columns)
    assert placeholders_of(both) == {"shop": 1}
