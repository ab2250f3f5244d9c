"""The ledger of what callers were told finds what a store lost, brought back or made up."""

from __future__ import annotations

from tests.kit.told import Told


def test_what_was_acknowledged_must_be_there() -> None:
    told = Told(created={"a", "b"})
    assert told.lost({"a"}) == {"b"}
    assert told.lost({"a", "b"}) == set()


def test_what_was_delivered_or_asked_to_be_removed_need_not_be_there() -> None:
    told = Told(created={"a", "b"}, delivered={"a"}, removal_asked={"b"})
    assert told.lost(set()) == set()
    assert told.returned({"a", "b"}) == set()


def test_what_was_removed_must_not_be_there() -> None:
    assert Told(created={"a"}, removal_asked={"a"}, removed={"a"}).returned({"a"}) == {"a"}


def test_what_was_sent_without_an_answer_may_be_there_and_nothing_else() -> None:
    told = Told(created={"a"}, unsure={"b"})
    assert told.made_up({"a", "b"}) == set()
    assert told.made_up({"a", "c"}) == {"c"}


def test_a_copy_stays_as_it_is() -> None:
    told = Told(created={"a"})
    then = told.copy()
    told.created.add("b")
    assert then.created == {"a"}
