"""What ``tidegate doctor`` asks of others: a certificate, a handler, an ID token."""

from __future__ import annotations

import json
import socket
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tidegate.cli.problems import CommandError
from tidegate.cli.run.place import Access
from tidegate.cli.run.rest import Server

KEYS_PATH = "/oauth2/v3/certs"
ALGORITHMS = ["RS256"]


class ProbeError(Exception):
    """What is wrong, and what to do."""

    def __init__(self, text: str, cure: str) -> None:
        super().__init__(text)
        self.text = text
        self.cure = cure


def certificate_days(access: Access, patience: float) -> int:
    """For how many days the server's certificate is good."""
    import ssl

    where = urlsplit(access.url)
    context = ssl.create_default_context(cafile=access.ca and str(Path(access.ca).expanduser()))
    if access.cert:
        context.load_cert_chain(Path(access.cert).expanduser(), access.key and Path(access.key).expanduser())
    host = where.hostname or ""
    try:
        with (
            socket.create_connection((host, where.port or 443), patience) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            shown: Any = secure.getpeercert()
    except ssl.SSLCertVerificationError as error:
        raise ProbeError(
            f"the certificate is refused: {error.verify_message}", "name its authority with --ca"
        ) from None
    except OSError as error:
        raise ProbeError(f"no TLS: {error.strerror or error}", "does the server speak TLS on this port?") from None
    return int((ssl.cert_time_to_seconds(shown["notAfter"]) - time.time()) // 86400)


def handler(url: str, patience: float) -> str:
    """What a handler answers to an empty POST."""
    where = urlsplit(url)
    if where.scheme not in {"http", "https"} or not where.hostname:
        raise ProbeError(f"{url} is no URL", "write http://HOST:PORT/PATH")
    make = HTTPSConnection if where.scheme == "https" else HTTPConnection
    connection = make(where.hostname, where.port, timeout=patience)
    try:
        connection.request("POST", where.path or "/", b"", {"User-Agent": "Google-Cloud-Tasks"})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        cause = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ProbeError(f"{url} does not answer: {cause}", "start it, or check host and port") from None
    finally:
        connection.close()
    if not 200 <= status <= 299:
        raise ProbeError(f"{url} answers {status}", "a task is done only when its handler answers 2xx")
    return f"{url} answers {status}"


def token(server: Server, text: str, audience: str) -> str:
    """Whether an ID token is one of the server's, in time, and for ``audience`` if one is named."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        shown = server.call("GET", KEYS_PATH)
        if not shown.get("keys"):
            raise ProbeError("the server shows no keys", "the server's keys are needed")
        claims = jwt.decode(text, KeySet.import_key_set(shown), algorithms=ALGORITHMS).claims
    except CommandError as error:
        raise ProbeError(error.text.partition("\n")[0], "the server's keys are needed") from None
    except (JoseError, ValueError) as error:
        raise ProbeError(
            f"the token is not signed by the server: {error}", "is it whole, and of this server?"
        ) from None
    left = float(claims.get("exp", 0)) - time.time()
    if left <= 0:
        raise ProbeError(
            f"the token ran out {-left:.0f} s ago", "each attempt brings a new one: check the one it brings"
        )
    if audience and claims.get("aud") != audience:
        raise ProbeError(
            f"the token is for {json.dumps(claims.get('aud'))}, not for {audience}",
            "set oidc_token.audience of the task, or check for what it has",
        )
    return f"the token is for {claims.get('aud')}, of {claims.get('email')}, good for {left:.0f} s"
