"""Small JSON documents from the URLs that an operator named: discovery and keys of issuers."""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit

import msgspec
import truststore

DOCUMENT_MAX: Final = 256 * 1024
"""Bytes of a document."""
PATIENCE: Final = 10.0
"""Seconds without an answer after which a fetch is given up."""


class FetchError(Exception):
    """A document could not be had; the text says why."""


async def fetch_json(
    url: str, ca_file: str | None = None, data: bytes | None = None, *, basic: str | None = None
) -> dict[str, Any]:
    """The JSON object at ``url``; with ``data`` it is posted there as a form. ``basic`` are credentials for the basic
    scheme, encoded. ``ca_file`` is trusted in place of the system's authorities. Redirects to another host are not
    followed, and no proxy is used.

    Raises FetchError.
    """
    try:
        return await asyncio.to_thread(_fetch, url, ca_file, data, basic)
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        said = f"{error.code} {error.reason}" if isinstance(error, HTTPError) else str(error) or type(error).__name__
        raise FetchError(f"{url}: {said}") from None


def _fetch(url: str, ca_file: str | None, data: bytes | None, basic: str | None) -> dict[str, Any]:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError("neither http nor https")
    if ca_file is None:
        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = ssl.create_default_context(cafile=ca_file)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _SameHost()
    )
    headers = {"Accept": "application/json"} | ({"Authorization": f"Basic {basic}"} if basic is not None else {})
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - checked above
    with opener.open(request, timeout=PATIENCE) as answer:
        text = answer.read(DOCUMENT_MAX + 1)
    if len(text) > DOCUMENT_MAX:
        raise ValueError(f"more than {DOCUMENT_MAX} bytes")
    document = msgspec.json.decode(text)
    if not isinstance(document, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - what came is wrong, not the program
    return document


class _SameHost(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urlsplit(req.full_url)[:2] != urlsplit(newurl)[:2]:
            raise ValueError(f"it leads to another host, {urlsplit(newurl).hostname}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
