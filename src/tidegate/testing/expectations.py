"""Requests that a test expects of its tasks, and how the nearest one differs."""

from __future__ import annotations

import difflib
import json as json_module
from collections.abc import Sequence
from pprint import pformat
from typing import Any
from urllib.parse import urlsplit

from tidegate.testing.handler_request import HandlerRequest


class Expectation:
    """A request that is expected so many times."""

    def __init__(
        self, url: str | None, *, json: Any, body: Any, headers: dict[str, Any], method: str | None, times: int
    ) -> None:
        self.url = url
        self.json = json
        self.body = body
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.method = method
        self.times = times

    def differences(self, request: HandlerRequest) -> list[str]:
        """What of the request is another; nothing when it is the one expected."""
        found = []
        if self.url is not None and self.url not in {request.url, _path_and_query(request.url), request.path}:
            found.append(f"url is {request.url!r}, not {self.url!r}")
        if self.method is not None and self.method.upper() != request.method:
            found.append(f"method is {request.method}, not {self.method.upper()}")
        if self.body is not ... and self.body not in (request.body, request.text):
            found.append(f"body is {request.body!r}, not {self.body!r}")
        if self.json is not ...:
            found += self._json_differences(request)
        for name, value in self.headers.items():
            if name not in request.headers:
                found.append(f"header {name} is not there")
            elif value != request.headers[name]:
                found.append(f"header {name} is {request.headers[name]!r}, not {value!r}")
        return found

    def _json_differences(self, request: HandlerRequest) -> list[str]:
        try:
            body = request.json
        except ValueError:
            return [f"body is no JSON: {request.text[:200]!r}"]
        if self.json == body:
            return []
        lines = difflib.ndiff(_lines(self.json), _lines(body))
        return ["json differs (- expected, + sent):", *(f"  {line}" for line in lines if line[0] != "?")]

    def __str__(self) -> str:
        said = [f"url={self.url!r}"] if self.url is not None else []
        said += [f"method={self.method!r}"] if self.method else []
        said += [f"json={self.json!r}"] if self.json is not ... else []
        said += [f"body={self.body!r}"] if self.body is not ... else []
        said += [f"headers={self.headers!r}"] if self.headers else []
        return ", ".join(said) or "any request"


class Expectations:
    """All that a test expects."""

    def __init__(self) -> None:
        self._all: list[Expectation] = []

    def add(self, url: str | None, **wanted: Any) -> Expectation:
        """One more."""
        expectation = Expectation(url, **wanted)
        self._all.append(expectation)
        return expectation

    def check(self, requests: Sequence[HandlerRequest]) -> None:
        """Raise AssertionError for the first that does not hold."""
        for each in self._all:
            differences = [each.differences(request) for request in requests]
            met = sum(not found for found in differences)
            if met != each.times:
                text = f"expected {each.times} of {each}, but {met} came of {len(requests)} requests"
                if not met and requests:
                    nearest, request = min(zip(differences, requests, strict=True), key=lambda pair: len(pair[0]))
                    text += f"\nnearest is {request!r}:\n" + "\n".join(f"  {line}" for line in nearest)
                raise AssertionError(text)


def _path_and_query(url: str) -> str:
    where = urlsplit(url)
    return f"{where.path}?{where.query}" if where.query else where.path


def _lines(value: Any) -> list[str]:
    try:
        return json_module.dumps(value, indent=2, sort_keys=True).splitlines()
    except TypeError:  # an object with an == of its own
        return pformat(value).splitlines()
