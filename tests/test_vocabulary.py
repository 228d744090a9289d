"""The shared words: each once, each with a sentence, in a fixed order."""

from smspm_campaigns import vocabulary
from smspm_campaigns.vocabulary import (
    COLUMNS,
    NUMBER_NOTE,
    OUTCOME_COLUMNS,
    PROBLEM_TITLES,
    STATUS_TITLES,
    VENDOR_STATUS,
    Problem,
    Status,
)


def test_problems_stand_in_the_order_of_their_precedence() -> None:
    """The codes and their precedence are those that users' filters rely on."""
    assert [str(problem) for problem in Problem] == [
        "missing_number",
        "damaged_number",
        "invalid_number",
        "country_not_allowed",
        "not_mobile",
        "opted_out",
        "duplicate",
        "missing_value",
        "template_error",
        "empty_text",
        "unsendable_text",
        "too_long",
    ]


def test_statuses_are_those_of_the_design() -> None:
    """A row of a campaign has one of eleven statuses."""
    assert {str(status) for status in Status} == {
        "excluded",
        "planned",
        "sending",
        "queued",
        "submitted",
        "delivered",
        "failed",
        "refused",
        "unknown",
        "unconfirmed",
        "cancelled",
    }


def test_each_word_has_its_own_title() -> None:
    """Every problem and status has a title, and no two problems share one."""
    assert list(PROBLEM_TITLES) == list(Problem)
    assert list(STATUS_TITLES) == list(Status)
    titles = [*PROBLEM_TITLES.values(), NUMBER_NOTE]
    assert len(set(titles)) == len(titles)
    assert len(set(STATUS_TITLES.values())) == len(Status)


def test_titles_can_be_found_again_in_a_note() -> None:
    """No title holds what ends a title or stands between two notes."""
    for title in (*PROBLEM_TITLES.values(), NUMBER_NOTE):
        assert ": " not in title
        assert "·" not in title


def test_every_column_of_ours_is_listed_once_with_the_prefix() -> None:
    """Each column begins with `sms_`, stands once, and outcomes come last."""
    constants = {
        value
        for name, value in vars(vocabulary).items()
        if name.isupper() and isinstance(value, str) and value.startswith("sms_")
    }
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert all(name.startswith("sms_") for name in COLUMNS)
    assert constants == set(COLUMNS) - set(OUTCOME_COLUMNS)
    assert COLUMNS[-len(OUTCOME_COLUMNS) :] == OUTCOME_COLUMNS


def test_vendor_words_are_read_as_the_design_says() -> None:
    """Rejected, expired and undelivered are failed; sent is submitted; pending is open."""
    assert VENDOR_STATUS == {
        "queued": "queued",
        "added to queue": "queued",
        "pending": "queued",
        "submitted": "submitted",
        "sent": "submitted",
        "delivered": "delivered",
        "failed": "failed",
        "undelivered": "failed",
        "rejected": "failed",
        "expired": "failed",
    }


def test_limits_are_those_of_their_sources() -> None:
    """100 numbers a request, 100 requests a minute, 11 letters of a sender, 15 digits."""
    assert (
        vocabulary.MAX_RECIPIENTS,
        vocabulary.REQUESTS_PER_MINUTE,
        vocabulary.MAX_SENDER_LETTERS,
        vocabulary.MAX_NUMBER_DIGITS,
    ) == (100, 100, 11, 15)
