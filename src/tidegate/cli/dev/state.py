"""What ``tidegate dev`` begins with and leaves behind: a file as ``tidegate export`` prints it."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import closing
from pathlib import Path

from tidegate.cli.dev.banner import console_url
from tidegate.cli.problems import CommandError
from tidegate.cli.run.operating.state import as_line, exported, import_records, read_records
from tidegate.cli.run.place import Access, read_address
from tidegate.cli.run.rest import Server
from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address

log = logging.getLogger("tidegate.dev")

WHOLE = {"includeDead": "true", "includePolicies": "true", "includeSecrets": "true"}
"""What is asked of an export that is to become the same server again."""


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
    with closing(_server(url)) as server:
        done = import_records(server, read_records(path))
    for failure in done["failures"]:
        log.warning("not imported: %s: %s", failure.get("name"), failure.get("status", {}).get("message"))
    imported: int = done["imported"]
    return imported


def _export(path: str, url: str) -> None:
    target = Path(path)
    unfinished = target.with_name(f"{target.name}.part")
    with unfinished.open("w", encoding="utf-8") as file, closing(_server(url)) as server:
        for record in exported(server, "-", WHOLE):
            file.write(f"{as_line(record)}\n")
    unfinished.replace(target)


def _server(url: str) -> Server:
    return Server(Access(*read_address(url)))
