"""Bytes that are made once for an object that comes again."""

from __future__ import annotations

from tidegate.core.identity_cache import KEPT, KEPT_BYTES, Remembered


class Counting:
    """Makes the bytes of a list, and counts how often."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, one: list[str], detail: int) -> bytes:
        self.made += 1
        return f"{one} {detail}".encode()


def test_the_same_object_is_asked_about_once() -> None:
    make = Counting()
    remembered, one = Remembered(make), ["a"]
    assert [remembered(one, 1), remembered(one, 1)] == [b"['a'] 1"] * 2
    assert make.made == 1


def test_an_equal_object_is_another_one() -> None:
    make = Counting()
    remembered = Remembered(make)
    kept = [["a"], ["a"]]
    assert {remembered(each, 1) for each in kept} == {b"['a'] 1"}
    assert make.made == 2


def test_another_detail_makes_the_bytes_anew() -> None:
    remembered, one = Remembered(Counting()), ["a"]
    assert [remembered(one, detail) for detail in (1, 2, 1)] == [b"['a'] 1", b"['a'] 2", b"['a'] 1"]


def test_an_object_that_is_gone_is_not_mistaken_for_one_in_its_place() -> None:
    remembered = Remembered(Counting())
    for number in range(10):  # each is freed before the next is made, often at the same address
        assert remembered([str(number)], 1) == f"['{number}'] 1".encode()


def test_long_bytes_are_not_kept() -> None:
    make = Counting()
    remembered, long = Remembered(make), ["x" * KEPT_BYTES]
    assert remembered(long, 1) == remembered(long, 1)
    assert make.made == 2


def test_only_so_many_are_kept() -> None:
    make = Counting()
    remembered, objects = Remembered(make), [[str(number)] for number in range(KEPT + 1)]
    for one in objects:
        remembered(one, 1)
    remembered(objects[-1], 1)
    assert make.made == KEPT + 1
    remembered(objects[0], 1)  # the room was given to others
    assert make.made == KEPT + 2
