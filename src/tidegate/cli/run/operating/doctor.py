"""``tidegate doctor``: a line a check, from the address to the queues, each with its cure."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tidegate.cli.colours import GREEN, RED, YELLOW, paint
from tidegate.cli.problems import CommandError
from tidegate.cli.run.operating import probes
from tidegate.cli.run.operating.spans import read_time
from tidegate.cli.run.place import LOOPBACK
from tidegate.cli.run.session import Session
from tidegate.cli.table.rows import Column

OK, WARN, FAIL = "ok", "warn", "fail"
COLOURS = {OK: GREEN, WARN: YELLOW, FAIL: RED}
COLUMNS = (Column("RESULT", "result"), Column("CHECK", "check"), Column("TEXT", "text"), Column("CURE", "cure"))

CLOCKS_APART_MAX = 2.0
"""Seconds that two clocks may differ before tasks that are due soon run at a time that surprises."""
PATIENCE = 5.0
SHOWN_QUEUES = 5
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "grpc_proxy")
CONTAINERS = ("/.dockerenv", "/run/.containerenv")


class Finding(NamedTuple):
    """What a check found. ``cure`` is what to do where it is not ok."""

    result: str
    check: str
    text: str
    cure: str = ""


def doctor(session: Session) -> None:
    """Run the checks; a check that needs what failed before is left out."""
    findings = []
    for finding in _checks(session):
        findings.append(finding)
        if session.format is None:
            cure = f"; {finding.cure}" if finding.cure else ""
            result = paint(f"{finding.result:4}", COLOURS[finding.result], sys.stdout)
            print(f"{result}  {finding.check:9} {finding.text}{cure}")
    if session.format is not None:
        session.answer([finding._asdict() for finding in findings], COLUMNS)
    failed = sum(finding.result == FAIL for finding in findings)
    if failed:
        raise CommandError(f"{failed} of {len(findings)} checks failed.")


def _checks(session: Session) -> Iterator[Finding]:
    yield from _surroundings(session)
    reached = True
    for check in (_address, _port, _tls):
        for finding in check(session):
            reached &= finding.result != FAIL
            yield finding
        if not reached:
            break
    if reached:
        yield from _server(session)
    line = session.line
    if url := line.value("--url"):
        yield _found("handler", lambda: probes.handler(url, PATIENCE))
    if token := line.value("--token"):
        yield _found("token", lambda: probes.token(session.server, token, line.value("--audience") or ""))


def _found(check: str, look: Callable[[], str]) -> Finding:
    """What a probe says, or why it fails."""
    try:
        return Finding(OK, check, look())
    except probes.ProbeError as error:
        return Finding(FAIL, check, error.text, error.cure)


def _surroundings(session: Session) -> Iterator[Finding]:
    proxies = [name for name in PROXIES if os.environ.get(name)]
    if proxies:
        cure = "gRPC clients go through it: add the server's host to no_proxy"
        yield Finding(WARN, "proxy", f"{', '.join(proxies)} is set", cure)
    if session.place.access.host in LOOPBACK and any(Path(path).exists() for path in CONTAINERS):
        text = f"{session.place.access.url} is this container itself"
        yield Finding(WARN, "container", text, "a server on the host is host.docker.internal")


def _address(session: Session) -> Iterator[Finding]:
    where = urlsplit(session.place.access.url)
    host = where.hostname or ""
    try:
        found = sorted({str(each[4][0]) for each in socket.getaddrinfo(host, where.port, type=socket.SOCK_STREAM)})
    except OSError as error:
        yield Finding(FAIL, "address", f"{host} is not found: {error.strerror}", "check the name, or say --address")
        return
    yield Finding(OK, "address", f"{host} is {', '.join(found)}")


def _port(session: Session) -> Iterator[Finding]:
    where = urlsplit(session.place.access.url)
    port = where.port or (443 if session.place.access.tls else 80)
    try:
        socket.create_connection((where.hostname or "", port), PATIENCE).close()
    except OSError as error:
        cure = "start a server with 'tidegate dev' or 'tidegate serve', or say with --address where one answers"
        yield Finding(FAIL, "port", f"{where.hostname}:{port}: {error.strerror or error}", cure)
        return
    yield Finding(OK, "port", f"{where.hostname}:{port} is open")


def _tls(session: Session) -> Iterator[Finding]:
    access = session.place.access
    if not access.tls:
        if access.host not in LOOPBACK:
            yield Finding(
                WARN, "tls", "what is sent can be read on the way", "give the server --tls-cert and --tls-key"
            )
        return
    try:
        days = probes.certificate_days(access, PATIENCE)
    except probes.ProbeError as error:
        yield Finding(FAIL, "tls", error.text, error.cure)
        return
    ends = f"the certificate is good for {days} more days"
    yield Finding(WARN, "tls", ends, "renew it") if days < 14 else Finding(OK, "tls", ends)


def _server(session: Session) -> Iterator[Finding]:
    asked = time.time()
    try:
        server = session.call("GET", "server")
        clock = session.call("GET", "clock")
    except CommandError as error:
        yield Finding(FAIL, "server", error.text.partition("\n")[0], "is that a Tidegate server, and may you call it?")
        return
    answered = time.time()
    yield Finding(OK, "server", f"Tidegate {server.get('version')}, node {server.get('node')}, {server.get('state')}")
    me = server.get("me", {})
    count = len(me.get("permissions", ()))
    yield Finding(OK, "me", f"{me.get('member', 'allUsers')}, with {count} permissions on the whole server")
    yield _clocks(clock, (asked + answered) / 2)
    yield Finding(OK, "store", str(server.get("store")))
    yield from _queues(session)


def _clocks(clock: dict[str, Any], here: float) -> Finding:
    if "realTime" not in clock:
        return Finding(WARN, "clock", "the server does not say what time it is", "is it a Tidegate of this version?")
    there = read_time(clock["realTime"])
    apart = (there - datetime.fromtimestamp(here, UTC)).total_seconds()
    if abs(apart) > CLOCKS_APART_MAX:
        return Finding(WARN, "clock", f"the server's clock is {apart:+.1f} s from this one", "let both follow NTP")
    if clock.get("offset", "0s") != "0s" or clock.get("frozen"):
        return Finding(WARN, "clock", "the server's clock was moved", "schedule times are compared with the moved one")
    return Finding(OK, "clock", f"the server's clock is {apart:+.1f} s from this one")


def _queues(session: Session) -> Iterator[Finding]:
    try:
        location = session.location()
    except CommandError:
        yield Finding(OK, "queues", "not looked at: nobody says of which project; --project does")
        return
    try:
        statuses = session.call("GET", f"{location}/queueStatuses", {"pageSize": 1000}).get("statuses", [])
    except CommandError as error:
        yield Finding(WARN, "queues", error.text.partition("\n")[0], "doctor could not look at the queues")
        return
    held = [each for each in statuses if each.get("blockedBy") and int(each.get("due", 0))]
    for each in held[:SHOWN_QUEUES]:
        queue = each["name"].removesuffix("/status").rpartition("/")[2]
        reason = each["blockedBy"]
        text = reason.get("text") or reason.get("code") if isinstance(reason, dict) else reason
        yield Finding(
            WARN, "queue", f"{queue}: {each['due']} tasks are due and wait: {text}", "tidegate explain says more"
        )
    if not held:
        yield Finding(OK, "queues", f"no task waits longer than it must, in {len(statuses)} queues")
