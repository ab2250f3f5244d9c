"""The API over REST, without a network: paths, verbs, queries, bodies, answers and errors."""

from __future__ import annotations

import gzip
import json
import logging
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from tests.servers.api import LATER, LOCATION, QUEUE, TASK, call, refused, rest_of, said, still_engine
from tests.servers.driving import Client

from tidegate.core.errors import NotFound
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.engine.engine import Engine
from tidegate.schema import v2
from tidegate.schema.versions import VERSIONS
from tidegate.servers.framing import MESSAGE_MAX
from tidegate.servers.rest import RestServer

WAITING = {"name": TASK, "scheduleTime": LATER, "httpRequest": {"url": "https://example.com/x", "body": "aGk="}}
UNKNOWN = "Invalid JSON payload received. Unknown name \"x\": Cannot bind query parameter. Field 'x' could not be found"


@pytest.fixture
async def engine() -> Engine:
    engine = still_engine()
    await engine.queues.create(Queue(name=QueueName(QUEUE)))
    return engine


@pytest.fixture
def rest(engine: Engine) -> RestServer:
    return rest_of(engine)


def answering(row: Any, answer: Callable[[Any], Any]) -> RestServer:
    """A server with one call, which ``answer`` answers."""

    async def handler(request: Any, call: Any = None) -> Any:
        return answer(request)

    return RestServer({row: handler})


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_version_is_served_under_its_own_path(rest: RestServer, version: str) -> None:
    status, queue = said(await call(rest, "GET", f"/{version}/{QUEUE}"))
    assert (status, queue["name"]) == (200, QUEUE)


async def test_a_task_lives_from_its_creation_to_its_deletion(rest: RestServer) -> None:
    created = said(await call(rest, "POST", f"/v2/{QUEUE}/tasks", {"task": WAITING}))
    assert created[0] == 200
    assert said(await call(rest, "GET", f"/v2/{TASK}")) == created
    _, full = said(await call(rest, "GET", f"/v2/{TASK}?responseView=FULL"))
    assert full["httpRequest"]["body"] == "aGk="
    _, listed = said(await call(rest, "GET", f"/v2/{QUEUE}/tasks?pageSize=1"))
    assert [task["name"] for task in listed["tasks"]] == [TASK]
    deleted = await call(rest, "DELETE", f"/v2/{TASK}", b"ignored", headers={"content-type": "application/json"})
    assert (deleted.http_status, deleted.body) == (200, b"{}\n")
    assert refused(await call(rest, "GET", f"/v2/{TASK}"))[:2] == (404, "NOT_FOUND")


async def test_answers_are_indented_unless_asked_otherwise(rest: RestServer) -> None:
    pretty = await call(rest, "GET", f"/v2/{QUEUE}?fields=name")
    assert pretty.body == b'{\n  "name": "%b"\n}\n' % QUEUE.encode()
    compact = await call(rest, "GET", f"/v2/{QUEUE}?fields=name&prettyPrint=false")
    assert compact.body == b'{"name":"%b"}' % QUEUE.encode()


async def test_errors_look_like_answers(rest: RestServer) -> None:
    pretty = await call(rest, "GET", f"/v2/{QUEUE}x")
    status, code, text = refused(pretty)
    assert (status, code) == (404, "NOT_FOUND")
    assert pretty.body.startswith(b'{\n  "error": {\n    "code": 404,\n')
    assert pretty.body.endswith(b"}\n")
    compact = await call(rest, "GET", f"/v2/{QUEUE}x?$prettyPrint=false&fields=name")
    assert compact.body == b'{"error":{"code":404,"message":"%b","status":"NOT_FOUND"}}' % text.encode()


@pytest.mark.parametrize(
    ("verb", "target", "headers"),
    [
        ("GET", "/nowhere?prettyPrint=false", {}),
        ("PUT", f"/v2/{QUEUE}?$prettyPrint=0", {}),
        ("POST", f"/v2/{QUEUE}:pause?prettyPrint=false", {"content-encoding": "br"}),
        ("GET", f"/v2/{QUEUE}?prettyPrint=false&alt=proto", {}),
        ("GET", f"/v2/{QUEUE}?alt=proto&prettyPrint=false", {}),
        ("GET", f"/v2/{QUEUE}?prettyPrint=false&x=1", {}),
    ],
)
async def test_an_early_error_looks_as_it_was_asked_for_too(
    rest: RestServer, verb: str, target: str, headers: dict[str, str]
) -> None:
    answer = await call(rest, verb, target, b"{}", headers=headers)
    assert answer.body.startswith(b'{"error":{"code":4')


@pytest.mark.parametrize("target", ["/nowhere?prettyPrint=false&x=%ff", "/nowhere?x=%ff"])
async def test_an_unknown_path_is_not_found_whatever_its_query(rest: RestServer, target: str) -> None:
    assert refused(await call(rest, "GET", target))[:2] == (404, "NOT_FOUND")


async def test_enums_are_numbers_for_those_who_ask(rest: RestServer) -> None:
    for written in ("$alt=json;enum-encoding=int", "%24alt=json%3Benum-encoding%3Dint"):
        assert said(await call(rest, "GET", f"/v2/{QUEUE}?{written}"))[1]["state"] == 1
    assert said(await call(rest, "GET", f"/v2/{QUEUE}?alt=json"))[1]["state"] == "RUNNING"


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/"),
        ("GET", "/v2"),
        ("GET", "/v3/projects/p/locations/l/queues/q"),
        ("GET", f"/v2/{QUEUE}/"),
        ("GET", f"/v2//{QUEUE}"),
        ("GET", f"/v2/{QUEUE}:pause"),
        ("PUT", f"/v2/{QUEUE}"),
        ("POST", f"/v2/{QUEUE}"),
        ("GET", f"/v2/{LOCATION}/operations"),
        ("POST", f"/v2/{LOCATION}/operations/o:cancel"),
        ("POST", f"/v2/{QUEUE}/tasks:lease"),
        ("GET", "/?appId=p&httpBody.contentType=text%2Fplain&httpBody.data=cXVldWU6"),
    ],
)
async def test_an_unknown_path_or_verb_is_not_found(rest: RestServer, verb: str, path: str) -> None:
    assert refused(await call(rest, verb, path))[:2] == (404, "NOT_FOUND")


async def test_names_are_taken_as_they_were_encoded(rest: RestServer) -> None:
    encoded = f"/v2/{QUEUE}".replace("us-central1", "us%2Dcentral1")
    assert said(await call(rest, "GET", encoded))[1]["name"] == QUEUE
    # An encoded slash does not part segments, and an encoded colon no custom verb.
    _, code, text = refused(await call(rest, "GET", f"/v2/{LOCATION}/queues/a%2Fb"))
    assert code == "PERMISSION_DENIED"
    assert f'"{LOCATION}/queues/a/b"' in text
    assert refused(await call(rest, "POST", f"/v2/{QUEUE}%3Apause"))[1] == "NOT_FOUND"


async def test_a_project_may_hold_a_colon(rest: RestServer) -> None:
    queue = "projects/example.com:pause/locations/l/queues/q"
    await call(rest, "POST", "/v2/projects/example.com:pause/locations/l/queues", {"name": queue})
    assert said(await call(rest, "POST", f"/v2/{queue}:pause"))[1]["state"] == "PAUSED"
    assert said(await call(rest, "GET", f"/v2/{queue}"))[1]["name"] == queue


async def test_a_patch_may_come_as_a_post_that_says_so(rest: RestServer) -> None:
    changed = await call(
        rest,
        "POST",
        f"/v2/{QUEUE}?updateMask=rateLimits.maxDispatchesPerSecond",
        {"rateLimits": {"maxDispatchesPerSecond": 7}},
        headers={"X-HTTP-Method-Override": "PATCH"},
    )
    assert said(changed)[1]["rateLimits"]["maxDispatchesPerSecond"] == 7


async def test_a_get_may_come_as_a_post_with_its_query_in_the_body(rest: RestServer) -> None:
    answer = await call(
        rest,
        "POST",
        f"/v2/{LOCATION}/queues",
        b"filter=state%3A+RUNNING&fields=queues%2Fname&prettyPrint=false",
        headers={"x-http-method-override": "GET", "content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.body == b'{"queues":[{"name":"%b"}]}' % QUEUE.encode()


async def test_only_a_post_can_stand_for_another_verb(rest: RestServer) -> None:
    headers = {"x-http-method-override": "DELETE"}
    assert said(await call(rest, "GET", f"/v2/{QUEUE}", headers=headers))[1]["name"] == QUEUE


async def test_head_is_get_without_the_body(rest: RestServer) -> None:
    whole = await call(rest, "GET", f"/v2/{QUEUE}")
    head = await call(rest, "HEAD", f"/v2/{QUEUE}")
    assert (head.http_status, head.headers, head.body) == (200, whole.headers, b"")
    missing = await call(rest, "HEAD", f"/v2/{QUEUE}x")
    assert (missing.http_status, missing.body) == (404, b"")


async def test_headers_of_all_kinds_of_clients_are_taken(rest: RestServer) -> None:
    headers = {
        "accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        "content-type": "application/json",
        "content-length": "0",
        "x-server-timeout": "nonsense",
        "x-goog-api-client": "gl-java/11 gapic/2.1 gax/2.1 rest/",
        "x-goog-request-params": "name=somewhere%2Felse",
        "authorization": "Bearer nobody",
    }
    path = f"/v2/{QUEUE}/tasks?filter&$alt=json;enum-encoding%3Dint&pageSize=0&pageToken&responseView=0&updateMask"
    assert refused(await call(rest, "GET", path, headers=headers))[2].startswith("Invalid JSON payload received.")
    path = f"/v2/{QUEUE}/tasks?$alt=json;enum-encoding%3Dint&pageSize=0&pageToken&responseView=0"
    assert said(await call(rest, "GET", path, headers=headers)) == (200, {})


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("target", ["httpRequest", "appEngineHttpRequest"])
@pytest.mark.parametrize("names", [("Content-Type", "content-type"), ("content-type", "CONTENT-TYPE", "Content-Type")])
async def test_of_headers_that_differ_only_in_case_the_later_one_in_the_json_counts(
    rest: RestServer, version: str, target: str, names: tuple[str, ...]
) -> None:
    headers = {"X-A": "a", **{name: f"type {number}" for number, name in enumerate(names)}}
    url = {"url": "https://example.com/x"} if target == "httpRequest" else {}
    task = {"scheduleTime": LATER, target: {**url, "headers": headers}}
    status, created = said(await call(rest, "POST", f"/{version}/{QUEUE}/tasks", {"task": task}))
    assert status == 200
    shown = created[target]["headers"]
    assert shown.pop("User-Agent")
    assert shown == {"X-A": "a", names[-1]: f"type {len(names) - 1}"}


async def test_an_unknown_query_parameter_is_refused(rest: RestServer) -> None:
    status, code, text = refused(await call(rest, "GET", f"/v2/{QUEUE}?x=1"))
    assert (status, code) == (400, "INVALID_ARGUMENT")
    assert text.startswith(UNKNOWN)


@pytest.mark.parametrize("query", ["fields=nonsense", "alt=proto", "fields=name&fields=name("])
async def test_a_call_whose_answer_cannot_be_written_does_nothing(rest: RestServer, query: str) -> None:
    answer = await call(rest, "POST", f"/v2/{QUEUE}:pause?{query}")
    assert refused(answer)[:2] == (400, "INVALID_ARGUMENT")
    assert said(await call(rest, "GET", f"/v2/{QUEUE}"))[1]["state"] == "RUNNING"


@pytest.mark.parametrize("target", [f"/v2/{QUEUE}?x=%ff", f"/v2/{QUEUE}?x=\udcff", f"/v2/{QUEUE}\udcff"])
async def test_what_is_not_utf_8_is_refused(rest: RestServer, target: str) -> None:
    assert refused(await call(rest, "GET", target))[:2] == (400, "INVALID_ARGUMENT")


# Bodies


async def test_a_body_may_come_in_pieces(rest: RestServer) -> None:
    whole = json.dumps({"task": WAITING}).encode()
    client = Client([whole[at : at + 7] for at in range(0, len(whole), 7)])
    assert (await call(rest, "POST", f"/v2/{QUEUE}/tasks", client=client)).http_status == 200


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
        ("deflate", zlib.compress),
    ],
)
async def test_a_body_may_be_compressed(rest: RestServer, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    body = pack(json.dumps({"task": WAITING}).encode())
    answer = await call(rest, "POST", f"/v2/{QUEUE}/tasks", body, headers={"content-encoding": encoding})
    assert answer.http_status == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
async def test_a_compressed_body_that_cannot_be_read_is_refused(rest: RestServer, encoding: str) -> None:
    for body in (b"\x1f\x8bnonsense", gzip.compress(b"{}")[:-1], gzip.compress(b"{}") + b"more"):
        answer = await call(rest, "POST", f"/v2/{QUEUE}:pause", body, headers={"content-encoding": encoding})
        assert refused(answer)[:2] == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("told", [True, False])
async def test_a_body_that_is_too_large_is_refused_once_it_was_sent(rest: RestServer, told: bool) -> None:
    piece = bytes(MESSAGE_MAX // 8 + 1)
    client = Client([piece] * 8)
    headers = {"content-length": str(8 * len(piece))} if told else {}
    answer = await call(rest, "POST", f"/v2/{QUEUE}/tasks:batchDelete", client=client, headers=headers)
    assert refused(answer)[:2] == (429, "RESOURCE_EXHAUSTED")
    assert client.asked == 8


async def test_what_is_longer_than_any_task_is_refused_as_a_task_too_large(rest: RestServer) -> None:
    client = Client([bytes(1_000_000)] * 3)
    answer = await call(rest, "POST", f"/v2/{QUEUE}/tasks", client=client)
    assert refused(answer) == (400, "INVALID_ARGUMENT", "Task size too large")


async def test_a_body_without_end_is_refused_in_the_middle(rest: RestServer) -> None:
    piece = bytes(MESSAGE_MAX // 4)
    client = Client([piece] * 40)
    assert refused(await call(rest, "POST", f"/v2/{QUEUE}/tasks", client=client))[2] == "Task size too large"
    assert client.asked == 1 + 8


async def test_the_body_of_an_unknown_call_is_read_before_the_answer(rest: RestServer) -> None:
    client = Client([b"{", b"}"])
    assert refused(await call(rest, "POST", "/nowhere", client=client))[1] == "NOT_FOUND"
    assert client.asked == 2


async def test_a_body_that_grows_too_large_when_unpacked_is_refused(rest: RestServer) -> None:
    packer = zlib.compressobj(wbits=31)
    packed = b"".join(packer.compress(bytes(MESSAGE_MAX // 8)) for _ in range(9)) + packer.flush()
    answer = await call(rest, "POST", f"/v2/{QUEUE}/tasks:batchDelete", packed, headers={"content-encoding": "gzip"})
    assert refused(answer)[1] == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize("path", [f"/v2/{QUEUE}/tasks", "/nowhere"])
async def test_a_client_that_leaves_before_its_body_is_whole_gets_no_answer(rest: RestServer, path: str) -> None:
    client = Client([b'{"task":'], leaves=True)
    with pytest.raises(IndexError):
        await call(rest, "POST", path, client=client)
    assert client.sent == []


# Errors


async def test_a_bug_is_internal_with_a_line_in_the_log_and_no_traceback_for_the_caller(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(request: Any) -> Any:
        raise ValueError("a secret")

    answer = await call(answering(v2.CloudTasks.get_queue, broken), "GET", f"/v2/{QUEUE}")
    assert refused(answer) == (500, "INTERNAL", "Internal error encountered.")
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert line.getMessage() == f"GET /v2/{QUEUE} failed"


async def test_an_error_with_half_a_character_can_be_told() -> None:
    def missing(request: Any) -> Any:
        raise NotFound("\ud800")

    answer = await call(answering(v2.CloudTasks.get_queue, missing), "GET", f"/v2/{QUEUE}")
    assert refused(answer) == (404, "NOT_FOUND", "?")
