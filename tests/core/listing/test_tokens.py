from datetime import datetime, timedelta
from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.examples import HOUR, LOCATION, NOON, SECOND

from tidegate.core.errors import InvalidArgument
from tidegate.core.listing import page_token, read_page_token

TOKEN = page_token("q-1", LOCATION, "state:RUNNING", NOON)


def refused(token: str, parent: str = LOCATION, filter_text: str = "state:RUNNING", now: datetime = NOON) -> bool:
    with pytest.raises(InvalidArgument) as caught:
        read_page_token(token, parent, filter_text, now)
    assert caught.value.details == ()
    return caught.value.message == "Invalid page_token"


@given(st.from_regex(r"[A-Za-z0-9_-]{1,500}", fullmatch=True), st.text(), st.text())
def test_a_token_leads_back_to_the_last_of_its_page(last: str, parent: str, filter_text: str) -> None:
    token = page_token(last, parent, filter_text, NOON)
    assert read_page_token(token, parent, filter_text, NOON + HOUR) == last
    assert token.replace("-", "").replace("_", "").isalnum()


def test_no_token_is_the_beginning() -> None:
    assert read_page_token("", LOCATION, "", NOON) == ""


def test_a_token_is_good_for_two_hours() -> None:
    assert read_page_token(TOKEN, LOCATION, "state:RUNNING", NOON + 2 * HOUR) == "q-1"
    assert refused(TOKEN, now=NOON + 2 * HOUR + timedelta(microseconds=1))


def test_a_token_of_a_node_whose_clock_is_ahead_is_good() -> None:
    assert read_page_token(TOKEN, LOCATION, "state:RUNNING", NOON - SECOND) == "q-1"
    assert refused(TOKEN, now=NOON - 3 * HOUR)


def test_a_token_belongs_to_its_parent_and_filter() -> None:
    assert refused(TOKEN, parent="projects/p/locations/other")
    assert refused(TOKEN, filter_text="")
    assert refused(page_token("a", "bc", "d", NOON), "b", "cd")


@pytest.mark.parametrize("token", ["nonsense", "a", "é", "!!!!", "AAAA", TOKEN[:-4], TOKEN + "AAAA", "A" * 5000, "\0"])
def test_a_token_of_nobodys_making_is_refused(token: str) -> None:
    assert refused(token)


def test_a_token_with_any_other_character_is_refused() -> None:
    for last in ("a", "ab", "abc"):  # the last character has spare bits, or none
        token = page_token(last, LOCATION, "", NOON)
        for at in range(len(token)):
            for other in set(ascii_letters + digits + "-_") - {token[at]}:
                assert refused(token[:at] + other + token[at + 1 :], filter_text="")


@pytest.mark.parametrize("more", ["=", "==", "!", "!!!!", " ", "\n"])
def test_a_token_with_characters_that_are_none_of_its_own_is_refused(more: str) -> None:
    assert refused(TOKEN + more)
    assert refused(more + TOKEN)
    assert refused(TOKEN[:4] + more + TOKEN[4:])


@given(st.text())
def test_no_string_ever_raises_anything_but_invalid_page_token(token: str) -> None:
    if token:
        assert refused(token)
