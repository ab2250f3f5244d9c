"""The checker finds what is planted, and nothing where there is nothing or a doubt."""

from __future__ import annotations

import itertools

import pytest
from tests.invariants.checker import check, violations
from tests.invariants.history import (
    Answered,
    Called,
    ClockMoved,
    Crashed,
    Entry,
    History,
    Limits,
    Replied,
    Requested,
    Settled,
)

LIMITS = Limits(rate=1.0, burst=2, concurrency=2, max_attempts=3, min_backoff=1.0, max_backoff=10.0, max_doublings=2)


class Telling:
    """Writes a history, a line an entry, each at its second."""

    def __init__(self) -> None:
        self.history = History()
        self._numbers = itertools.count()
        self.call(0, "create_queue", limits=LIMITS, told=LIMITS)

    def call(self, at: float, method: str, *tasks: str, code: str = "OK", took: float = 0.1, **more: object) -> Telling:
        """A call about tasks of the queue ``q``, and its answer, which names the same tasks, or those of ``shown``."""
        number = next(self._numbers)
        asked = {key: more[key] for key in ("due", "limits", "session", "span") if key in more}
        told = {key: more[key] for key in ("attempt", "until", "last") if key in more}
        names = tuple(f"q/{task}" for task in tasks)
        shown = tuple(f"q/{task}" for task in more.get("shown", tasks))  # type: ignore[attr-defined]
        self.add(Called(at, number, str(more.get("client", "c")), method, "q", names, **asked))  # type: ignore[arg-type]
        limits = more.get("told")
        answer = Answered(at + took, number, code, shown if code == "OK" else (), limits=limits, **told)  # type: ignore[arg-type]
        return self.add(answer)

    def attempt(
        self, at: float, task: str, number: int, status: int | None = 200, took: float = 0.1, node: int = 0
    ) -> Telling:
        request = next(self._numbers)
        self.add(Requested(at, request, "q", f"q/{task}", number, at, at, node=node))
        return self if status is None else self.add(Replied(at + took, request, status))

    def end(self, *left: str) -> Telling:
        return self.add(Settled(1000.0, {"q": frozenset(f"q/{task}" for task in left)}))

    def add(self, entry: Entry) -> Telling:
        self.history.add(entry)
        return self

    @property
    def found(self) -> list[str]:
        return [violation.promise for violation in violations(self.history)]


def test_a_quiet_day_breaks_nothing() -> None:
    day = Telling().call(1, "create_task", "a").attempt(2, "a", 1).call(3, "create_task", "b").end("b")
    assert day.found == []
    check(day.history)


def test_a_task_that_is_nowhere_is_lost() -> None:
    assert Telling().call(1, "create_task", "a").end().found == ["lost"]
    assert Telling().call(1, "create_task", "a").attempt(2, "a", 1, 500).end().found == ["lost"]


def test_a_task_without_an_answer_may_be_lost_unless_its_name_turns_out_to_be_taken() -> None:
    day = Telling().call(1, "create_task", "a", code="UNAVAILABLE")
    assert day.end().found == []
    day = Telling().call(1, "create_task", "a", code="UNAVAILABLE").call(2, "create_task", "a", code="ALREADY_EXISTS")
    assert day.end().found == ["lost"]


def test_what_was_removed_delivered_or_exhausted_is_not_lost() -> None:
    assert Telling().call(1, "create_task", "a").call(2, "delete_task", "a").end().found == []
    assert Telling().call(1, "create_task", "a").call(2, "purge_queue", code="UNAVAILABLE").end().found == []
    tried = Telling().call(1, "create_task", "a")
    for at, number in ((2, 1), (4, 2), (7, 3)):
        tried.attempt(at, "a", number, 500)
    assert tried.end().found == []
    refused = Telling().call(1, "create_task", "a").call(2, "delete_task", "a", code="NOT_FOUND")
    assert refused.end().found == ["lost"]


@pytest.mark.parametrize("removal", ["delete_task", "purge_queue", "acknowledge_task", "delete_queue"])
def test_what_was_removed_does_not_come_back(removal: str) -> None:
    tasks = () if removal.endswith("queue") else ("a",)
    gone = Telling().call(1, "create_task", "a").call(2, removal, *tasks)
    assert gone.attempt(3, "a", 1).end().found[0] == "returned"
    gone = Telling().call(1, "create_task", "a").call(2, removal, *tasks)
    assert gone.call(3, "get_task", "a").end().found == ["returned"]


def test_an_attempt_that_had_begun_may_end_after_the_removal() -> None:
    day = Telling().call(1, "create_task", "a").attempt(2, "a", 1, None).call(3, "delete_task", "a")
    assert day.add(Replied(5.0, 2, 200)).end().found == []


def test_a_purge_says_nothing_of_what_was_created_meanwhile() -> None:
    day = Telling().call(1, "create_task", "a", took=2.0)
    day.history.entries.insert(-1, Called(1.5, 90, "d", "purge_queue", "q"))
    day.history.entries.insert(-1, Answered(1.6, 90, "OK"))
    assert day.attempt(4, "a", 1).end().found == []


def test_a_name_is_given_once() -> None:
    twice = Telling().call(1, "create_task", "a").attempt(2, "a", 1).call(3, "create_task", "a").attempt(4, "a", 1)
    assert twice.end().found == ["taken twice"]
    late = Telling().call(1, "create_task", "a").attempt(2, "a", 1).call(4000, "create_task", "a")
    assert late.attempt(4001, "a", 1).end().found == []
    remade = Telling().call(1, "create_task", "a").call(2, "delete_queue").call(3, "create_queue", limits=LIMITS)
    assert remade.call(4, "create_task", "a").end("a").found == []


def test_a_clock_that_was_moved_far_ahead_frees_names() -> None:
    day = Telling().call(1, "create_task", "a").attempt(2, "a", 1).add(ClockMoved(3.0, 4000.0))
    assert day.call(4, "create_task", "a").end("a").found == []


def test_a_refused_create_leaves_nothing() -> None:
    for code in ("RESOURCE_EXHAUSTED", "INVALID_ARGUMENT"):
        assert Telling().call(1, "create_task", "a", code=code).end("a").found == ["refused but there"]
    assert Telling().call(1, "create_task", "a", code="UNAVAILABLE").end("a").found == []


def test_a_queue_dispatches_no_faster_than_it_may() -> None:
    day = Telling().call(1, "batch_create_tasks", *"abcd")
    for at, task in ((2.0, "a"), (2.0, "b"), (2.5, "c")):
        day.attempt(at, task, 1)
    assert day.end("d").found == ["too fast"]
    day = Telling().call(1, "batch_create_tasks", *"abcd")
    for at, task in ((2.0, "a"), (2.0, "b"), (3.0, "c"), (4.0, "d")):
        day.attempt(at, task, 1)
    assert day.end().found == []


def test_what_run_task_sends_takes_no_token_and_no_place() -> None:
    day = Telling().call(1, "batch_create_tasks", *"abc").attempt(2, "a", 1, None).attempt(2, "b", 1, None)
    assert day.call(2.1, "run_task", "c", attempt=1).attempt(2.3, "c", 1).end("a", "b").found == []


def test_no_more_are_under_way_than_may_be() -> None:
    day = Telling().call(1, "batch_create_tasks", *"abc")
    for at, task in ((2.0, "a"), (5.0, "b"), (9.0, "c")):
        day.attempt(at, task, 1, None)
    assert day.end(*"abc").found == ["too many"]
    day = Telling().call(1, "batch_create_tasks", *"abc").attempt(2, "a", 1, None).attempt(5, "b", 1, None)
    assert day.add(Crashed(6.0)).attempt(9, "c", 1, None).end(*"abc").found == []


def test_nothing_is_early() -> None:
    assert Telling().call(1, "create_task", "a", due=5.0).attempt(4.9, "a", 1).end().found == ["early"]
    assert Telling().call(1, "create_task", "a", due=5.0).attempt(5.0, "a", 1).end().found == []
    run = Telling().call(1, "create_task", "a", due=5.0).call(2, "run_task", "a", attempt=1).attempt(2.2, "a", 1)
    assert run.end().found == []


def test_an_attempt_that_claims_a_time_to_come_is_early() -> None:
    day = Telling().call(1, "create_task", "a", due=5.0)
    day.add(Requested(2.0, 77, "q", "q/a", 1, 2.0, 5.0)).add(Replied(2.1, 77, 200))
    assert day.end().found == ["early"]


def test_retries_wait_for_their_backoff() -> None:
    day = Telling().call(1, "create_task", "a").attempt(2, "a", 1, 500, took=0.0)
    assert day.attempt(2.9, "a", 2).end().found == ["backoff"]
    day = Telling().call(1, "create_task", "a").attempt(2, "a", 1, 500, took=0.0).attempt(3.0, "a", 2, 500, took=0.0)
    assert day.attempt(5.0, "a", 3).end().found == []


def test_one_attempt_at_a_time_each_with_a_number_of_its_own() -> None:
    day = Telling().call(1, "create_task", "a").attempt(2, "a", 1, None)
    assert "overlap" in day.attempt(4, "a", 2).end().found
    day = Telling().call(1, "create_task", "a").attempt(2, "a", 1, 500)
    assert "number" in day.attempt(4, "a", 1).end().found
    day = Telling().call(1, "create_task", "a").attempt(2, "a", 1, 200)
    assert day.attempt(4, "a", 2).end().found == ["repeated"]
    day = Telling().call(1, "create_task", "a").attempt(2, "a", 1, 200).add(Crashed(3.0))
    assert day.attempt(4, "a", 2).end().found == []


@pytest.mark.parametrize("status", [200, 500])
def test_run_task_may_overtake_an_attempt_of_another_node(status: int) -> None:
    def day(*, run: int, nodes: tuple[int, int] = (1, 2)) -> Telling:
        told = Telling().call(1, "create_task", "a").call(2, "run_task", "a", attempt=run)
        return told.attempt(2.2, "a", 2, status, node=nodes[0])

    assert day(run=2).attempt(2.4, "a", 1, 500, node=2).end("a").found == []
    assert day(run=2, nodes=(1, 1)).attempt(2.4, "a", 1, 500, node=1).end("a").found != []  # one node keeps their order
    assert day(run=2).attempt(2.4, "a", 3, 500, node=2).end("a").found != []  # one that was begun later is a second one


def test_a_paused_queue_dispatches_nothing() -> None:
    day = Telling().call(1, "create_task", "a").call(2, "pause_queue").attempt(3, "a", 1)
    assert day.end().found == ["paused"]
    day = Telling().call(1, "create_task", "a").call(2, "pause_queue").call(3, "resume_queue").attempt(4, "a", 1)
    assert day.end().found == []


def test_lists_show_what_is_there_once() -> None:
    def pages(*pages: str) -> list[str]:
        day = Telling().call(1, "batch_create_tasks", *"abc")
        for number, page in enumerate(pages):
            day.call(2 + number, "list_tasks", shown=page, session=1, last=number == len(pages) - 1)
        return day.end(*"abc").found

    assert pages("ab", "c") == []
    assert pages("a", "c") == ["unlisted"]
    assert pages("ab", "bc") == ["listed twice"]


def test_get_finds_what_is_there() -> None:
    day = Telling().call(1, "create_task", "a").call(2, "get_task", "a", code="NOT_FOUND")
    assert day.end("a").found == ["unlisted"]
    day = Telling().call(1, "create_task", "a").attempt(1.5, "a", 1).call(2, "get_task", "a", code="NOT_FOUND")
    assert day.end().found == []


def test_a_task_is_leased_to_one_worker() -> None:
    def leased_again(at: float, *between: str) -> list[str]:
        day = Telling().call(1, "create_task", "a")
        day.call(2, "lease_tasks", shown="a", client="one", span=10.0, until=12.0)
        for method in between:
            day.call(3, method, "a", client="one")
        day.call(at, "lease_tasks", shown="a", client="two", span=10.0, until=at + 10.0)
        return day.end("a").found

    assert leased_again(8.0) == ["shared"]
    assert leased_again(12.0) == []
    assert leased_again(8.0, "cancel_lease") == []


def test_a_broken_promise_comes_with_its_story() -> None:
    day = Telling().call(1, "create_task", "a").add(Crashed(2.0)).call(3, "create_task", "b").end("b")
    with pytest.raises(AssertionError) as failure:
        check(day.history)
    told = str(failure.value)
    assert "q/a was acknowledged, is nowhere now" in told
    assert "c: create_task of q/a - OK" in told
    assert "the server crashes" in told
    assert "q/b" not in told
