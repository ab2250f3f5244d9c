from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.errors import ApiError, InvalidArgument
from tidegate.core.listing import FieldKind, FilterField, Schema, compile_filter, plain

STATES = {"STATE_UNSPECIFIED": 0, "RUNNING": 1, "PAUSED": 2, "DISABLED": 3}
SCHEMES = {"SCHEME_UNSPECIFIED": 0, "HTTP": 1, "HTTPS": 2}


def schema(**fields: FilterField) -> Schema:
    return {plain(name): field for name, field in fields.items()}


def at(name: str, default: Any = None) -> Any:
    """Reads a member of a dict: the default of a scalar, None for what has presence."""
    return lambda message: message.get(name, default)


QUEUE = schema(
    name=FilterField(FieldKind.TEXT, at("name", "")),
    state=FilterField(FieldKind.ENUM, at("state", 0), choices=STATES),
    active=FilterField(FieldKind.FLAG, at("active", False)),
    purge_time=FilterField(FieldKind.TIME, at("purge_time")),
    rate_limits=FilterField(
        FieldKind.MESSAGE,
        at("rate_limits"),
        inside=schema(
            max_dispatches_per_second=FilterField(FieldKind.NUMBER, at("rate", 0.0)),
            max_burst_size=FilterField(FieldKind.NUMBER, at("burst", 0)),
        ),
    ),
    retry_config=FilterField(
        FieldKind.MESSAGE,
        at("retry_config"),
        inside=schema(
            max_attempts=FilterField(FieldKind.NUMBER, at("attempts", 0)),
            min_backoff=FilterField(FieldKind.DURATION, at("min_backoff")),
        ),
    ),
    http_target=FilterField(
        FieldKind.MESSAGE,
        at("http_target"),
        inside=schema(
            uri_override=FilterField(
                FieldKind.MESSAGE,
                at("uri_override"),
                inside=schema(
                    scheme=FilterField(FieldKind.ENUM, at("scheme", 0), choices=SCHEMES),
                    host=FilterField(FieldKind.TEXT, at("host", "")),
                ),
            ),
            header_overrides=FilterField(
                FieldKind.MESSAGE,
                at("header_overrides", []),
                repeated=True,
                inside=schema(
                    header=FilterField(
                        FieldKind.MESSAGE,
                        at("header"),
                        inside=schema(
                            key=FilterField(FieldKind.TEXT, at("key", "")),
                            value=FilterField(FieldKind.TEXT, at("value", "")),
                        ),
                    )
                ),
            ),
        ),
    ),
)

SECOND = 10**9
PLAIN = {"name": "projects/p/locations/l/queues/plain", "state": 1, "rate_limits": {"rate": 500.0, "burst": 100}}
PAUSED = {"name": "projects/p/locations/l/queues/Paused-2", "state": 2, "rate_limits": {"rate": 0.5, "burst": 10}}
BARE = {"name": "projects/p/locations/l/queues/bare", "state": 3, "http_target": {}, "active": True}
ROUTED = {
    "name": "projects/p/locations/l/queues/routed",
    "state": 1,
    "rate_limits": {"rate": 77.0, "burst": 15},
    "retry_config": {"attempts": -1, "min_backoff": SECOND // 2},
    "purge_time": 1_782_907_200 * SECOND + 5,  # 2026-07-01 12:00 UTC
    "http_target": {
        "uri_override": {"scheme": 1, "host": "api.example.com"},
        "header_overrides": [{"header": {"key": "X-A", "value": "a"}}, {"header": {"key": "X-B"}}],
    },
}
ALL = {"plain": PLAIN, "paused": PAUSED, "bare": BARE, "routed": ROUTED}


def chosen(text: str) -> list[str]:
    chooses = compile_filter(text, QUEUE)
    return [name for name, message in ALL.items() if chooses(message)]


EVERY = list(ALL)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", EVERY),
        ("  \t\n", EVERY),
        # enums
        ("state:RUNNING", ["plain", "routed"]),
        ("state = paused", ["paused"]),
        ("State=Paused", ["paused"]),
        ("STATE != RUNNING", ["paused", "bare"]),
        ("state>RUNNING", ["paused", "bare"]),
        ("state <= PAUSED", ["plain", "paused", "routed"]),
        ("state: STATE_UNSPECIFIED", []),
        ("httpTarget.uriOverride.scheme: SCHEME_UNSPECIFIED", ["plain", "paused", "bare"]),
        ("http_target.uri_override.scheme = http", ["routed"]),
        # text
        ("name:PAUSED", ["paused"]),
        ('name:"queues/p"', ["plain", "paused"]),
        ("name=plain", []),
        ("name=PROJECTS/p/locations/l/queues/PLAIN", ["plain"]),
        ("name!=projects/p/locations/l/queues/plain", ["paused", "bare", "routed"]),
        ("name < projects/p/locations/l/queues/b", ["paused"]),
        ("httpTarget.uriOverride.host: example", ["routed"]),
        ('httpTarget.uriOverride.host = ""', ["plain", "paused", "bare"]),
        (r'name:"\p\l\"" OR name:"\r\outed"', ["routed"]),
        # numbers
        ("rateLimits.maxDispatchesPerSecond = 500", ["plain"]),
        ("rate_limits.max_dispatches_per_second:500.0", ["plain"]),
        ("ratelimits.maxdispatchespersecond<1", ["paused", "bare"]),
        ("rateLimits.maxBurstSize >= 15", ["plain", "routed"]),
        ("rateLimits.maxBurstSize>1.5e1", ["plain"]),
        ("rateLimits.maxBurstSize = 0", ["bare"]),
        ("retryConfig.maxAttempts = -1", ["routed"]),
        ("retryConfig.maxAttempts<0", ["routed"]),
        ('retryConfig.maxAttempts="-1"', ["routed"]),
        # durations, times, flags
        ("retryConfig.minBackoff = 0.5s", ["routed"]),
        ("retryConfig.minBackoff < 1s", EVERY),
        ("retryConfig.minBackoff > 0s", ["routed"]),
        ("retryConfig.minBackoff > -1s", EVERY),
        ('purgeTime > "2026-07-01T12:00:00Z"', ["routed"]),
        ('purgeTime = "2026-07-01T14:00:00.000000005+02:00"', ["routed"]),
        ('purgeTime < "2000-01-01T00:00:00Z"', ["plain", "paused", "bare"]),
        ('purgeTime = "1970-01-01T00:00:00Z"', ["plain", "paused", "bare"]),
        ("active = true", ["bare"]),
        ("active:FALSE", ["plain", "paused", "routed"]),
        # set or not
        ("http_target:*", ["bare", "routed"]),
        ("httpTarget: *", ["bare", "routed"]),
        ("http_target.uri_override:*", ["routed"]),
        ("http_target.header_overrides:*", ["routed"]),
        ("httpTarget.headerOverrides.header.key:*", ["routed"]),
        ("purge_time:*", ["routed"]),
        ("rateLimits.maxBurstSize:*", ["plain", "paused", "routed"]),
        ("httpTarget.uriOverride.scheme:*", ["routed"]),
        ("active:*", ["bare"]),
        ("name:*", EVERY),
        ('name:"*"', []),
        # lists
        ("http_target.header_overrides.header.key: X-B", ["routed"]),
        ("http_target.header_overrides.header.key: X-C", []),
        ("http_target.header_overrides.header.key != X-B", ["plain", "paused", "bare"]),
        ('http_target.header_overrides.header.value = ""', ["routed"]),
        # words alone
        ("routed", ["routed"]),
        ("ROUTED", ["routed"]),
        ('"queues/pl"', ["plain"]),
        ("Paused-2", ["paused"]),
        # AND, OR, NOT
        ("state:RUNNING name:plain", ["plain"]),
        ("state:RUNNING AND name:plain", ["plain"]),
        ("name:plain OR name:bare", ["plain", "bare"]),
        ("name:plain OR name:routed AND state:RUNNING OR state:DISABLED", ["plain", "routed"]),
        ("name:bare OR name:routed state:RUNNING", ["routed"]),
        ("state:RUNNING AND name:bare OR name:routed", ["routed"]),
        ("(state:RUNNING AND name:plain) OR name:bare", ["plain", "bare"]),
        ("NOT state:RUNNING", ["paused", "bare"]),
        ("-state:RUNNING", ["paused", "bare"]),
        ("-(state:RUNNING OR name:bare)", ["paused"]),
        ('-"queues/p"', ["bare", "routed"]),
        ("NOT (name:plain)", ["paused", "bare", "routed"]),
        ("NOT name:plain OR name:plain", EVERY),
        ("NOT name:plain name:p", ["paused", "bare", "routed"]),
        ("((name:plain))", ["plain"]),
        ("name:plain or", []),
    ],
)
def test_a_filter_chooses(text: str, names: list[str]) -> None:
    assert chosen(text) == names


def refusal(text: str) -> str:
    with pytest.raises(InvalidArgument) as caught:
        compile_filter(text, QUEUE)
    assert caught.value.details == ()
    return caught.value.message


@pytest.mark.parametrize("path", ["nothing", "rateLimits.nothing", "state.x", "name.x", "a.b", ".", "name."])
def test_a_path_that_leads_nowhere_is_named_as_sent(path: str) -> None:
    assert refusal(f"{path} = 1") == f"Field not found: '{path}'."


@pytest.mark.parametrize(
    ("restriction", "value"),
    [
        ("state:", "SLEEPING"),
        ("state=", "1"),
        ("state:", "*RUNNING"),
        ("state=", "*"),
        ("rateLimits.maxBurstSize:", "many"),
        ("rateLimits.maxBurstSize=", "NaN"),
        ("rateLimits.maxBurstSize=", "inf"),
        ("rateLimits.maxBurstSize=", ""),
        ("rateLimits.maxBurstSize=", "1s"),
        ("retryConfig.minBackoff=", "1"),
        ("retryConfig.minBackoff=", "1M"),
        ("purgeTime>", "2026-07-01"),
        ("purgeTime>", "2026-13-01T00:00:00Z"),
        ("purgeTime>", "2026-07-01T00:00:00"),
        ("purgeTime>", "0001-01-01T00:00:00+01:00"),
        ("active=", "YES"),
    ],
)
def test_a_value_of_another_type_is_named_in_lower_case(restriction: str, value: str) -> None:
    quotes = "" if value and ":" not in value else '"'
    assert refusal(f"{restriction}{quotes}{value}{quotes}") == f"The value '{value.lower()}' is of incorrect type."


@pytest.mark.parametrize("operator", [":", "=", "!=", "<", ">="])
@pytest.mark.parametrize("path", ["rateLimits", "http_target.uri_override", "http_target.header_overrides"])
def test_a_message_is_not_compared(path: str, operator: str) -> None:
    assert refusal(f"{path}{operator}x") == (
        f"Cannot match a nested type '{path}'. A member field of scalar or enum type must be provided."
    )


def test_a_message_is_not_compared_with_a_star_either() -> None:
    assert refusal("rateLimits=*").startswith("Cannot match a nested type 'rateLimits'.")


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("name:", "<EOF>"),
        ("name = = a", "="),
        ("(name:a", "<EOF>"),
        ("name:a)", ")"),
        ("()", ")"),
        ("AND", "AND"),
        ("name:a AND", "<EOF>"),
        ("name:a OR", "<EOF>"),
        ("name:a OR OR name:b", "OR"),
        ("OR name:a", "OR"),
        ("NOT", "<EOF>"),
        ("NOT NOT name:a", "NOT"),
        ("name: AND", "AND"),
        ("name:(a OR b)", "("),
        (":a", ":"),
        ("= a", "="),
        ("name ! a", "!"),
        ('name:"a', "<EOF>"),
        ('"', "<EOF>"),
        ("- name:a", "-"),
        ("-", "-"),
        ("name:a:b", ":"),
        ("purgeTime > 2026-07-01T12:00:00Z", ":"),
    ],
)
def test_what_cannot_be_parsed_is_named(text: str, token: str) -> None:
    assert refusal(text) == f"Failed to parse filter expression: syntax error at token '{token}'"


def test_parentheses_may_not_go_too_deep() -> None:
    assert chosen("(" * 50 + "plain" + ")" * 50) == ["plain"]
    assert refusal("(" * 400 + "plain" + ")" * 400) == ("Failed to parse filter expression: syntax error at token '('")


def test_a_filter_may_be_long() -> None:
    assert chosen(" OR ".join(f"name:x{n}" for n in range(200)) + " OR plain") == ["plain"]
    assert chosen("p " * 1000) == ["plain", "paused", "bare", "routed"]


def test_a_filter_may_not_cost_more_than_a_list_of_queues() -> None:
    assert refusal("p" * 8193) == "The filter must be at most 8192 characters long, but has 8193."
    assert refusal("p " * 1001) == "The filter must have at most 1000 words, strings and signs."


PATHS = ["name", "state", "rateLimits", "purgeTime", "http_target.header_overrides.header.key"]
SIGNS = ["AND", "OR", "NOT", "-", "(", ")", ":", "=", "!=", "<", ">=", '"', "\\", " "]
VALUES = ["*", '"a b"', "RUNNING", "1", "1s", "é"]
WORDS = st.sampled_from([*PATHS, *SIGNS, *VALUES])


@given(st.text(max_size=30) | st.lists(WORDS, max_size=12).map(" ".join) | st.lists(WORDS, max_size=12).map("".join))
def test_no_filter_ever_raises_anything_but_an_api_error(text: str) -> None:
    try:
        chosen(text)
    except ApiError as error:
        assert error.message  # noqa: PT017
