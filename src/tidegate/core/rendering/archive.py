"""A request as an HTTP archive (HAR 1.2), which browsers' developer tools and API clients open."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tidegate.core.rendering.shown import ShownRequest
from tidegate.core.time_text import rfc3339


def har(request: ShownRequest, at: datetime, version: str) -> str:
    """The archive with this one request, which has no response. ``version`` is ours; ``at`` is when it is written.

    A body that is no text stands in it in base64, which ``encoding`` says.
    """
    entry = {
        "startedDateTime": rfc3339(at),
        "time": 0,
        "request": _request(request),
        "response": {
            "status": 0,
            "statusText": "",
            "httpVersion": "",
            "cookies": [],
            "headers": [],
            "content": {"size": 0, "mimeType": ""},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
    }
    log = {"version": "1.2", "creator": {"name": "tidegate", "version": version}, "entries": [entry]}
    return msgspec.json.format(msgspec.json.encode({"log": log}), indent=2).decode() + "\n"


def _request(request: ShownRequest) -> dict[str, Any]:
    written: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(request.headers),
        "queryString": _pairs(parse_qsl(request.url.partition("?")[2], keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        text = request.text
        held: dict[str, Any] = {"mimeType": request.header("content-type") or "", "params": []}
        if text is None:
            held |= {"text": b64encode(request.body).decode(), "encoding": "base64"}
        else:
            held["text"] = text
        written["postData"] = held
    return written


def _pairs(pairs: Any) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
