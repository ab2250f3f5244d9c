"""What stands between a node and its database: it passes everything on, until it is told to cut."""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import suppress
from types import TracebackType

from tests.kit.serving_loop import stop_serving

COMMIT = b"COMMIT"

PAUSE = 0.02
"""Seconds between two looks whether the network is whole again."""


class Relay:
    """Runs in a thread of its own. Cuts connections as a COMMIT passes: before the database has it, or before its
    answer is back. Or lets nothing through, in one direction or both, and nobody is told: as a network that is cut.
    """

    def __init__(self, port: int, seed: int) -> None:
        """``port`` is the database's."""
        self.port = 0
        self.cutting = False
        """Whether some connections are cut at COMMIT."""
        self.cuts = 0
        self.deaf = False
        """Whether the database hears nothing."""
        self.mute = False
        """Whether the database's answers do not come back."""
        self._database = port
        self._dice = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="relay")

    def __enter__(self) -> Relay:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        stop_serving(self._loop, server, self._open)
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = self._loop.create_task(self._pass_on(reader, writer))
        self._open.add(connection)
        connection.add_done_callback(self._open.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to_database = await asyncio.open_connection("127.0.0.1", self._database)
        except OSError:
            writer.transport.abort()
            return
        answers = asyncio.ensure_future(self._answer(to_database[0], writer))
        try:
            with suppress(OSError):
                await self._ask(reader, to_database[1], answers)
        finally:
            answers.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await answers
            writer.transport.abort()
            to_database[1].transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, database: asyncio.StreamWriter, answers: object) -> None:
        while data := await reader.read(65536):
            while self.deaf:  # noqa: ASYNC110 - another thread ends it
                await asyncio.sleep(PAUSE)
            if self.cutting and COMMIT in data and self._dice.random() < 0.05:
                self.cuts += 1
                if self._dice.random() < 0.5:
                    assert isinstance(answers, asyncio.Future)
                    answers.cancel()  # the database has it, and nobody hears of it
                    database.write(data)
                    await database.drain()
                    await asyncio.sleep(0.05)
                return
            database.write(data)
            await database.drain()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                while self.mute:  # noqa: ASYNC110
                    await asyncio.sleep(PAUSE)
                writer.write(data)
                await writer.drain()
        finally:
            writer.transport.abort()
