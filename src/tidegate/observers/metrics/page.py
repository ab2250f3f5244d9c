"""``GET /metrics``: the present numbers, made in a thread, for a page of 200 queues takes a tenth of a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from tidegate import __version__
from tidegate.core.names import QueueName
from tidegate.engine.engine import Engine
from tidegate.engine.ports.store import StoreError
from tidegate.engine.ports.store_figures import StoreFigures
from tidegate.observers.metrics.counts import Counts

if TYPE_CHECKING:  # families imports prometheus-client, which takes 60 ms and 4 MiB
    from tidegate.observers.metrics.families import Calls, Commits

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class MetricsPage:
    """Makes the page for one server. ``store`` is the kind of its store, ``figures`` how it fares, where it can tell;
    ``ready`` says whether it answers calls.
    """

    def __init__(
        self,
        counts: Counts,
        engine: Engine,
        calls: Calls,
        commits: Commits | None,
        *,
        store: str,
        figures: Callable[[], Awaitable[StoreFigures]] | None = None,
        ready: Callable[[], bool],
        monotonic: Callable[[], float],
    ) -> None:
        self._counts = counts
        self._engine = engine
        self._calls = calls
        self._commits = commits
        self._store = store
        self._figures = figures
        self._ready = ready
        self._monotonic = monotonic
        self._one_at_a_time = asyncio.Lock()  # several that scrape at once would share the interpreter anyway

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The page and its content type: OpenMetrics where ``accept``, the request's header, names it."""
        openmetrics = "application/openmetrics-text" in accept
        async with self._one_at_a_time:
            from tidegate.observers.metrics.families import Snapshot, shown, text  # noqa: PLC0415 - see above

            self._counts.retire(self._monotonic())
            engine = self._engine
            names = [QueueName(name) for name in shown(self._counts)]
            snapshot = Snapshot(
                now=engine.clock.now(),
                version=__version__,
                store=self._store,
                ready=self._ready(),
                counts=self._counts,
                queues=await engine.queues.stats(names),
                shelved=await engine.numbers.shelved(names),
                nodes=engine.nodes,
                in_flight=engine.under_way.by_queue(),
                calls=self._calls,
                commits=self._commits,
                figures=await self._figures_now(),
            )
            page = await asyncio.to_thread(text, snapshot, openmetrics=openmetrics)
        return page, OPENMETRICS if openmetrics else TEXT

    async def _figures_now(self) -> StoreFigures | None:
        if self._figures is None:
            return None
        try:
            return await self._figures()
        except StoreError:  # the rest of the page is worth having
            return None
