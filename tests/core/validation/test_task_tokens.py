"""The tokens of a task: their defaults, and where they may go."""

import pytest
from tests.core.examples import TASK, URL, queue
from tests.core.validation.drafts import checked, http, refusal, settled, stored, token_of

from tidegate.core.errors import InvalidArgument
from tidegate.core.queue import HttpTarget, OAuthToken, OidcToken


def test_an_unset_audience_is_the_url_and_an_unset_scope_is_the_platform() -> None:
    google = "https://tasks.googleapis.com/a?b=c"
    assert token_of(settled(http(url=f"{URL}?a=1", token=OidcToken("a@b")))) == OidcToken("a@b", f"{URL}?a=1")
    assert token_of(settled(http(url=google, token=OAuthToken("a@b")))) == OAuthToken(
        "a@b", "https://www.googleapis.com/auth/cloud-platform"
    )
    assert token_of(settled(http(url=google, token=OAuthToken("a@b", "any text")))) == OAuthToken("a@b", "any text")


def test_the_queues_token_takes_the_place_of_the_tasks() -> None:
    assert token_of(settled(http(token=OAuthToken("a@b")), OidcToken("q@b"))) == OidcToken("q@b", URL)
    assert token_of(settled(http(token=OidcToken("a@b", "mine")), OidcToken("q@b", "x"))) == OidcToken("q@b", "x")
    assert token_of(settled(http(), OidcToken("q@b"))) == OidcToken("q@b", URL)


def test_of_a_token_that_is_replaced_only_the_email_is_checked() -> None:
    assert refusal(http(token=OAuthToken(""))) == "service_account_email must be set."
    assert token_of(settled(http(url="https://example.com", token=OAuthToken("a@b")), OidcToken("q@b", "x"))) == (
        OidcToken("q@b", "x")
    )


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://tasks.googleapis.com/", True),
        ("http://x.GoogleAPIs.com:8080/a", True),
        ("https://googleapis.com/", False),
        ("https://example.com/x.googleapis.com", False),
        ("https://example.com?.googleapis.com", False),
        ("https://x.googleapis.com@example.com/", False),
        ("https://example.com\\.googleapis.com/", False),
        ("https://x.googleapis.com.example.com/", False),
        ("https://", False),
    ],
)
def test_an_access_token_goes_to_google_only(url: str, allowed: bool) -> None:
    new = checked(http(url=url))
    own = checked(http(url=url, token=OAuthToken("a@b")))
    with_token = queue(http_target=HttpTarget(token=OAuthToken("q@b")))
    if allowed:
        stored(new, with_token, TASK)
        stored(own, queue(), TASK)
        return
    for task, where in ((new, with_token), (own, queue())):
        with pytest.raises(InvalidArgument) as caught:
            stored(task, where, TASK)
        assert caught.value.message == (
            'Invalid url for HttpRequest.oauth_token. The hostname in the url must end with ".googleapis.com"'
        )


def test_tokens_go_over_plain_http_unless_the_operator_says_otherwise() -> None:
    draft = http(url="http://localhost/", token=OidcToken("a@b"))
    settled(draft)
    settled(http(token=OidcToken("a@b")), https_tokens=True)
    settled(http(url="http://localhost/"), https_tokens=True)
    with pytest.raises(InvalidArgument) as caught:
        settled(draft, https_tokens=True)
    assert caught.value.message == (
        "HttpRequest.url must start with 'https://' for request with HttpRequest.authorization_header"
    )
