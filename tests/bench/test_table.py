"""The table at the end of a run."""

from bench.marks import Mark, at_most, rate
from bench.rows import Row
from bench.table import table

MARKS = {"create 4 x 32, 50 B": rate(28_000, 50_000), "backlog, purge": at_most(100), "idle": Mark(least=0)}


def test_a_line_says_figure_floor_ratio_mark_and_whether_it_holds() -> None:
    rows = [
        Row("create 4 x 32, 50 B", 30_123.4, "calls/s", 50_000.0, "empty handler", 0.60247),
        Row("backlog, purge", 123.4, "ms"),
        Row("idle", 1.234, "% of a core", errors=3),
        Row("startup", 0.5, "s"),
    ]
    assert table(rows, MARKS).splitlines() == [
        "what                           figure  floor                 ratio  mark           holds",
        "create 4 x 32, 50 B    30,123 calls/s  50,000 empty handler  0.602  >= 0.56 of it  yes",
        "backlog, purge                 123 ms                               <= 100         NO",
        "idle                 1.23 % of a core                               >= 0           3 errors",
        "startup                         0.5 s",
    ]


def test_columns_that_nothing_stands_in_are_left_out() -> None:
    lines = table([Row("startup", 0.5, "s")], {}).splitlines()
    assert lines == ["what     figure", "startup   0.5 s"]


def test_a_floor_that_the_heading_names_is_not_named_again() -> None:
    lines = table([Row("get", 2.0, "s", 1.0, "theirs", 2.0)], {}, ("what", "ours", "theirs", "ratio", "", ""))
    assert lines.splitlines()[1].split() == ["get", "2", "s", "1", "2.000"]


def test_the_widest_rows_fit_the_page() -> None:
    rows = [
        Row("lease 100 by 16 workers, 1,000,000 waiting", 20_000, "tasks/s", 50_000, "empty handler", 0.4),
        Row("dispatch from 20 queues at 500/s each", 24_000, "tasks/s", 28_000, "bare pyreqwest", 0.857, errors=10),
        Row("stats of 1,000 queues every second", 12.5, "% of a core", 50, "empty handler", 2),
    ]
    marks = {rows[0].what: rate(20_000, 50_001), rows[1].what: Mark(9_500, 10_500)}
    assert max(map(len, table(rows, marks).splitlines())) <= 120
