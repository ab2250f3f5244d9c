"""What ``tidegate dev`` begins with and leaves behind: a file as ``tidegate export`` prints it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tidegate.cli.dev.banner import console_url
from tidegate.cli.problems import CommandError
from tidegate.cli.run.operating.state import parts, read_records
from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address

PATIENCE = 60.0
"""Seconds that a call to this server may take."""

log = logging.getLogger("tidegate.dev")


def check_readable(path: str) -> None:
    """Raise OperatorError when the file cannot be read."""
    try:
        Path(path).open("rb").close()
    except OSError as error:
        raise OperatorError(f"cannot read {path}: {error.strerror}; name another file with --import") from None


def once_answering(address: Address, *, imported: str | None, opened: bool) -> None:
    """Import and open a browser beside the server, which answers only once this has returned."""
    if imported is not None or opened:
        threading.Thread(target=_begin, args=(address, imported), kwargs={"opened": opened}, daemon=True).start()


async def export_to(path: str, url: str) -> None:
    """Write everything that the server at ``url`` holds to a file, whole or not at all."""
    await asyncio.to_thread(_export, path, url)


def _begin(address: Address, imported: str | None, *, opened: bool) -> None:
    if imported is not None:
        try:
            done = _import(imported, address.url)
            log.warning("imported %d queues and tasks of %s", done, imported)
        except (CommandError, OSError) as error:
            log.error("cannot import %s: %s", imported, error)  # noqa: TRY400 - the line says it all
    if opened:
        import webbrowser

        webbrowser.open(console_url(address))


def _import(path: str, url: str) -> int:
    imported = 0
    for part in parts(read_records(path)):
        answer = _call(url, "POST", "/operator/v1/-/state:import", {"records": part})
        imported += int(answer.get("imported", 0))
        for failure in answer.get("failures", ()):
            log.warning("not imported: %s: %s", failure.get("name"), failure.get("status", {}).get("message"))
    return imported


def _export(path: str, url: str) -> None:
    target = Path(path)
    unfinished = target.with_name(f"{target.name}.part")
    with unfinished.open("w", encoding="utf-8") as file:
        for line in _lines(url, "/operator/v1/-/state:export?includeDead=true&includePolicies=true"):
            file.write(line)
    unfinished.replace(target)


def _lines(url: str, path: str) -> Iterator[str]:
    """The lines of a stream, to the last record. Raises OSError when it ends before."""
    with contextlib.closing(_connected(url)) as connection:
        connection.request("GET", path, headers={"Accept": "application/x-ndjson"})
        answer = connection.getresponse()
        whole = False
        while line := answer.readline().decode():
            record = json.loads(line)
            if "error" in record:
                raise OSError(str(record["error"]))
            if record:  # else it only says that the server is there
                whole = "trailer" in record
                yield line
    if not whole:
        raise OSError("the export ended before its last record")


def _call(url: str, verb: str, path: str, body: Any) -> Any:
    with contextlib.closing(_connected(url)) as connection:
        connection.request(verb, path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = json.loads(answer.read() or b"{}")
    if answer.status >= 400:
        raise OSError(str(said.get("error", {}).get("message", answer.status)))
    return said


def _connected(url: str) -> HTTPConnection:
    where = urlsplit(url)
    return HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
