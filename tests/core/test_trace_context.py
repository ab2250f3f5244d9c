"""Which trace something belongs to: W3C Trace Context, read, written and kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.trace_context import NOT_SAMPLED, TraceContext, parse, read_kept

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True), ("ff", True)])
def test_a_traceparent_names_a_span_and_whether_it_is_recorded(flags: str, sampled: bool) -> None:
    assert parse(f"00-{TRACE}-{SPAN}-{flags}") == TraceContext(int(TRACE, 16), int(SPAN, 16), sampled)


def test_a_later_version_may_say_more() -> None:
    assert parse(f"01-{TRACE}-{SPAN}-01-what-comes") == TraceContext(int(TRACE, 16), int(SPAN, 16), sampled=True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}\u0660-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\r\nX-Evil: 1",
        f"00-{TRACE}-{SPAN}-01," * 100_000,
    ],
)
def test_what_is_no_traceparent_names_nothing(header: str) -> None:
    assert parse(header) is None


@pytest.mark.parametrize("state", ["a=1\r\nX-Evil: 1", "\u00e9=1", "a=" + "1" * 600])
def test_a_state_that_cannot_be_passed_on_is_left_out(state: str) -> None:
    found = parse(f"00-{TRACE}-{SPAN}-01", state)
    assert found is not None
    assert found.state == ""


@given(
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=512),
)
def test_what_a_task_keeps_says_the_same_as_what_headers_say(trace: int, span: int, sampled: bool, state: str) -> None:
    context = TraceContext(trace, span, sampled, state)
    assert read_kept(context.kept()) == context
    assert parse(context.traceparent, state) == context


@pytest.mark.parametrize("kept", [b"", NOT_SAMPLED, b"\0" * 24])
def test_a_task_may_keep_nothing(kept: bytes) -> None:
    assert read_kept(kept) is None
