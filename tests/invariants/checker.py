"""The promises, read off a history: each check yields what contradicts one of them.

A check says nothing where the history leaves a doubt: a call without an answer may have had its effect or not, a change
takes effect somewhere between call and answer. An exact history leaves none, and more is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.invariants.attempts import early, repeated, undead
from tests.invariants.clients import shared, unlisted
from tests.invariants.evidence import Evidence
from tests.invariants.exact import late, misnumbered, mistimed, slowed
from tests.invariants.history import History, story
from tests.invariants.queues import paused, too_fast, too_many
from tests.invariants.shelf import astray, shelved_alive, unshelved
from tests.invariants.tasks import lost, refused_but_there, returned, taken_twice
from tests.invariants.violation import Check, Violation

OF_ALL: tuple[Check, ...] = (
    lost,
    returned,
    taken_twice,
    refused_but_there,
    too_fast,
    too_many,
    early,
    repeated,
    undead,
    paused,
    unlisted,
    shared,
    unshelved,
    astray,
    shelved_alive,
)
OF_EXACT: tuple[Check, ...] = (mistimed, misnumbered, slowed, late)


def violations(history: History) -> list[Violation]:
    """Every promise that a history shows broken, and by what."""
    evidence = Evidence(history)
    checks = OF_ALL + OF_EXACT if history.exact else OF_ALL
    return [violation for check in checks for violation in check(evidence)]


def check(history: History) -> None:
    """Raise AssertionError, with the story of it, for the first broken promise."""
    found = violations(history)
    if found:
        more = f"\n({len(found) - 1} more)" if len(found) > 1 else ""
        raise AssertionError(f"{found[0]}\n{story(history, found[0].about)}{more}")


def first_broken(histories: Iterable[History], promises: set[str]) -> History:
    """The first of some histories that shows one of these promises broken; AssertionError when none does.

    With this the tests of the tests say that a bug planted in the server is found.
    """
    others: dict[str, int] = {}
    number = 0
    for number, history in enumerate(histories, 1):  # noqa: B007 - said at the end
        found = {violation.promise for violation in violations(history)}
        if found & promises:
            return history
        for promise in found:
            others[promise] = others.get(promise, 0) + 1
    raise AssertionError(f"none of {number} histories breaks {promises}; they break {others}")
