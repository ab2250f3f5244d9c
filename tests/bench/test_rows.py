"""Rows: medians, ratios and whose turn it is."""

from bench.rows import beside, by_turns, number


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # The second round ran on a machine half as fast, which says nothing of the ratio.
    row = beside("create", "calls/s", [600.0, 300.0, 660.0], [1000.0, 500.0, 1000.0], "empty handler", errors=1)
    assert (row.figure, row.floor, row.ratio, row.errors) == (600.0, 1000.0, 0.6, 1)


def test_the_sides_take_turns_and_every_other_round_goes_backwards() -> None:
    order: list[str] = []

    def turn(name: str) -> int:
        order.append(name)
        return len(order)

    measured = by_turns(3, {"a": lambda: turn("a"), "b": lambda: turn("b")})

    assert order == ["a", "b", "b", "a", "a", "b"]
    assert measured == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_numbers_have_three_digits_or_those_before_the_point() -> None:
    shown = {0.01234: "0.0123", 1.5: "1.5", 99.96: "100", 100.4: "100", 28_000.6: "28,001"}
    assert {value: number(value) for value in shown} == shown
