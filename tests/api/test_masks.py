"""How a mask merges a request into what is stored."""

import pytest

from tidegate.api import masks
from tidegate.api.v2 import V2
from tidegate.core.errors import InvalidArgument
from tidegate.schema import v2

Queue = V2.messages.Queue


def queue(**fields):
    return v2.Queue.pb(v2.Queue(**fields))


def merged(stored, sent, *paths, fixed=frozenset()):
    masks.merge(stored, sent, masks.parse(Queue.DESCRIPTOR, paths), fixed)
    return stored


OIDC = {"oidc_token": {"service_account_email": "a@b", "audience": "me"}}
OAUTH = {"oauth_token": {"service_account_email": "c@d", "scope": "all"}}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "bogus",
        "rateLimits",
        "rate_limits.bogus",
        "rate_limits.",
        " rate_limits",
        "rate_limits,retry_config",
        "name.first",
        "retry_config.min_backoff.seconds",
        "purge_time.seconds",
        "http_target.header_overrides.header",
    ],
)
def test_a_path_that_names_no_field_is_refused_as_it_was_sent(path) -> None:
    with pytest.raises(InvalidArgument, match="Invalid mask") as refused:
        masks.parse(Queue.DESCRIPTOR, ["rate_limits", path])
    assert refused.value.message == f"Invalid mask: {path}"


def test_a_message_path_replaces_the_message_as_a_whole() -> None:
    stored = queue(retry_config={"max_attempts": 5, "max_doublings": 3}, rate_limits={"max_concurrent_dispatches": 7})
    sent = queue(retry_config={"max_attempts": 6}, rate_limits={"max_concurrent_dispatches": 8})
    assert merged(stored, sent, "retry_config") == queue(
        retry_config={"max_attempts": 6}, rate_limits={"max_concurrent_dispatches": 7}
    )


def test_an_unset_message_is_cleared() -> None:
    assert merged(queue(name="q", http_target=OIDC), queue(), "http_target") == queue(name="q")


def test_a_leaf_below_messages_is_replaced_alone() -> None:
    stored = queue(http_target={"uri_override": {"host": "a", "port": 1}})
    sent = queue(http_target={"uri_override": {"host": "b", "port": 2}, **OIDC})
    assert merged(stored, sent, "http_target.uri_override.host") == queue(
        http_target={"uri_override": {"host": "b", "port": 1}}
    )


@pytest.mark.parametrize("sent", [queue(), queue(http_target={"uri_override": {"port": 2}})])
def test_an_unset_leaf_is_cleared(sent) -> None:
    stored = queue(http_target={"uri_override": {"host": "a", "port": 1}})
    assert merged(stored, sent, "http_target.uri_override.host") == queue(http_target={"uri_override": {"port": 1}})


def test_a_list_is_a_leaf() -> None:
    stored = queue(http_target={"header_overrides": [{"header": {"key": "a"}}, {"header": {"key": "b"}}]})
    sent = queue(http_target={"header_overrides": [{"header": {"key": "c"}}]})
    assert merged(stored, sent, "http_target.header_overrides") == sent


def test_a_duration_is_a_leaf() -> None:
    stored = queue(retry_config={"min_backoff": {"seconds": 5, "nanos": 7}, "max_attempts": 3})
    sent = queue(retry_config={"min_backoff": {"seconds": 2}})
    assert merged(stored, sent, "retry_config.min_backoff") == queue(
        retry_config={"min_backoff": {"seconds": 2}, "max_attempts": 3}
    )


def test_a_leaf_makes_the_messages_above_it_that_the_request_has() -> None:
    sent = queue(http_target={"uri_override": {"query_override": {"query_params": "a=1"}}})
    path = "http_target.uri_override.query_override.query_params"
    assert merged(queue(), sent, path) == sent


def test_an_unset_leaf_leaves_its_stored_message_empty() -> None:
    stored = queue(http_target={"uri_override": {"path_override": {"path": "/a"}}})
    sent = queue(http_target={"uri_override": {"path_override": {}}})
    assert merged(stored, sent, "http_target.uri_override.path_override.path") == sent


def test_a_path_below_a_message_that_neither_side_has_sets_nothing() -> None:
    assert merged(queue(name="q"), queue(name="q"), "http_target.uri_override.host") == queue(name="q")


def test_an_empty_mask_changes_nothing() -> None:
    assert merged(queue(name="q", http_target=OIDC), queue(name="r")) == queue(name="q", http_target=OIDC)


def test_fixed_paths_are_accepted_and_ignored() -> None:
    stored = queue(name="q", state=1, rate_limits={"max_burst_size": 10})
    sent = queue(name="r", state=2, rate_limits={"max_burst_size": 20})
    kept = merged(stored, sent, "name", "state", "purge_time", "rate_limits.max_burst_size", fixed=V2.fixed)
    assert kept == queue(name="q", state=1, rate_limits={"max_burst_size": 10})


def test_without_a_mask_everything_but_the_fixed_is_replaced() -> None:
    stored = queue(name="q", state=1, http_target=OIDC, rate_limits={"max_concurrent_dispatches": 7})
    sent = queue(name="r", state=2, retry_config={"max_attempts": 2})
    masks.replace_all(stored, sent, V2.fixed)
    assert stored == queue(name="q", state=1, retry_config={"max_attempts": 2})


class TestTheMembersOfAOneof:
    def test_naming_the_other_member_clears_the_stored_one(self) -> None:
        kept = merged(queue(http_target=OIDC), queue(http_target=OAUTH), "http_target.oidc_token")
        assert kept == queue(http_target={})

    def test_naming_a_leaf_of_the_other_member_clears_only_that_leaf(self) -> None:
        kept = merged(queue(http_target=OIDC), queue(http_target=OAUTH), "http_target.oidc_token.audience")
        assert kept == queue(http_target={"oidc_token": {"service_account_email": "a@b"}})

    def test_naming_the_member_sent_replaces_the_stored_one(self) -> None:
        kept = merged(queue(http_target=OIDC), queue(http_target=OAUTH), "http_target.oauth_token")
        assert kept == queue(http_target=OAUTH)

    def test_naming_one_leaf_of_the_member_sent_takes_nothing_else_of_it(self) -> None:
        kept = merged(queue(http_target=OIDC), queue(http_target=OAUTH), "http_target.oauth_token.scope")
        assert kept == queue(http_target={"oauth_token": {"scope": "all"}})

    def test_a_leaf_of_a_member_that_neither_has_leaves_only_the_empty_parent(self) -> None:
        path = "http_target.oidc_token.service_account_email"
        kept = merged(queue(), queue(http_target={"http_method": 1}), path)
        assert kept == queue(http_target={})


def test_a_selection_keeps_only_what_is_named() -> None:
    full = queue(name="q", state=1, http_target=OIDC, retry_config={"max_attempts": 2, "max_doublings": 3})
    chosen = masks.select(full, masks.parse(Queue.DESCRIPTOR, ["name", "retry_config.max_attempts", "http_target"]))
    assert chosen == queue(name="q", http_target=OIDC, retry_config={"max_attempts": 2})
