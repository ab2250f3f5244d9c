"""What is called for a task, by which method, and for how long."""

import pytest
from msgspec.structs import replace
from tests.core.calls import AGENT, called, http, routed, unsent
from tests.core.examples import MINUTE, NOON, QUEUE, SECOND, URL, queue, task

from tidegate.core.queue import EnforceMode, HttpMethod, OidcToken, UriOverride
from tidegate.core.target import HttpCall, unix_seconds
from tidegate.core.task import PullMessage
from tidegate.core.times import moment
from tidegate.core.validation import HttpDraft, TaskDraft, check_task, settle_target


def test_a_plain_task_is_sent_as_it_is() -> None:
    plain = http(f"{URL}?a=1", b"body", headers={"User-Agent": "Google-Cloud-Tasks", "X-A": "a"})
    assert called(plain) == HttpCall(
        method="POST",
        url=f"{URL}?a=1",
        headers=(
            AGENT,
            ("X-A", "a"),
            ("X-CloudTasks-QueueName", "q"),
            ("X-CloudTasks-TaskName", "t"),
            ("X-CloudTasks-TaskRetryCount", "0"),
            ("X-CloudTasks-TaskExecutionCount", "0"),
            ("X-CloudTasks-TaskETA", "1782907200"),
        ),
        body=b"body",
        timeout=10 * MINUTE,
        token=None,
        follows_redirects=True,
        queue=QUEUE,
    )


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (1721236265_266817, "1721236265.266817"),
        (1721236265_120000, "1721236265.12"),
        (1721236265_000000, "1721236265"),
        (1721236260_000000, "1721236260"),
        (1721236265_000001, "1721236265.000001"),
    ],
)
def test_the_eta_is_the_shortest_decimal_of_the_microseconds(micros: int, text: str) -> None:
    assert unix_seconds(moment(micros)) == text


@pytest.mark.parametrize("method", HttpMethod)
def test_every_method_is_called_by_its_name(method: HttpMethod) -> None:
    assert called(http(http_method=method)).method == method.name


def test_the_deadline_of_the_task_limits_the_attempt() -> None:
    assert called(replace(http(), dispatch_deadline=20 * SECOND)).timeout == 20 * SECOND


@pytest.mark.parametrize("method", [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.DELETE, HttpMethod.OPTIONS])
def test_the_queues_method_may_not_fit_a_body(method: HttpMethod) -> None:
    where = routed(http_method=method)
    assert unsent(http(body=b"b"), where) == f"{method.name} takes no body"
    assert called(http(), where).method == method.name


def test_the_queues_method_applies_in_both_modes() -> None:
    where = routed(UriOverride(host="h", enforce_mode=EnforceMode.IF_NOT_EXISTS), http_method=HttpMethod.PUT)
    assert (called(http(body=b"b"), where).method, called(http(), where).url) == ("PUT", URL)


def test_a_pull_task_is_not_sent() -> None:
    assert unsent(task(target=PullMessage("t"))) == "a pull task is leased, not sent"


def test_a_task_of_today_is_sent_as_it_was_checked() -> None:
    draft = TaskDraft(target=HttpDraft(URL, headers={"Host": "evil", "X-A": "a\nb"}, token=OidcToken("a@b")))
    new = check_task(draft, QUEUE, NOON)
    settled = new.stored(QUEUE.task("t"), settle_target(new.target, queue()), NOON, NOON)
    call = called(replace(settled, dispatch_count=1))
    assert call.headers[:2] == (AGENT, ("X-A", "a_b"))
    assert call.token == OidcToken("a@b", URL)
