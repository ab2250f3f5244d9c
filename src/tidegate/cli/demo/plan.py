"""What the demo sends: three queues, and for each task how its handler will answer, attempt by attempt."""

from __future__ import annotations

from random import Random

from msgspec import Struct

PARENT = "projects/demo/locations/here"
OK = 200

SHARES = {"orders": 0.75, "reports": 0.15, "webhooks": 0.10}
STUMBLES_EVERY = 100  # of the orders: one failure each
LINGERS_EVERY = 60  # of the reports: they take long
FAILS_ALWAYS_EVERY = 50  # of the webhooks
FAILS_AT_FIRST_EVERY = 4  # of the webhooks
ASKS_FOR_ROOM = 3  # webhooks that answer 503 once; each such answer slows their queue down


class DemoQueue(Struct, frozen=True):
    """A queue and its limits. ``waits`` are the documented ones after failure 1, 2, 3 …; the last of them stays."""

    id: str
    rate: float
    burst: int  # the server derives it from the rate
    at_once: int
    max_attempts: int
    min_backoff: float
    max_backoff: float
    max_doublings: int
    waits: tuple[float, ...]

    @property
    def name(self) -> str:
        return f"{PARENT}/queues/{self.id}"

    def wait(self, failures: int) -> float:
        """Seconds between the answer of failure number ``failures`` and the next attempt."""
        return self.waits[min(failures, len(self.waits)) - 1]


class DemoTask(Struct, frozen=True):
    """A task: its handler answers ``failures`` one after the other, then 200, and takes so many seconds each time."""

    queue: str
    id: str
    failures: tuple[int, ...] = ()
    takes: float = 0.0

    def answer(self, retries: int) -> int:
        """The HTTP status of the attempt that ``retries`` others came before."""
        return self.failures[retries] if retries < len(self.failures) else OK


# The waits as the documentation of Cloud Tasks works them out: doubled max_doublings times, then steady steps, up to
# max_backoff. A test compares them with the engine's own rule.
QUEUES = (
    DemoQueue("orders", 500, 100, 1000, 100, 0.1, 3600, 16, (0.1, 0.2, 0.4, 0.8)),
    DemoQueue("reports", 200, 40, 10, 100, 0.1, 3600, 16, (0.1, 0.2, 0.4, 0.8)),
    DemoQueue("webhooks", 100, 20, 50, 5, 0.2, 1.0, 2, (0.2, 0.4, 0.8, 1.0)),
)


def plan(tasks: int, seed: int = 1) -> list[DemoTask]:
    """About so many tasks over the three queues; the same for the same seed."""
    random = Random(seed)  # noqa: S311 - not to guess, but to vary
    return [
        make(number, random)
        for make, queue in ((_order, "orders"), (_report, "reports"), (_webhook, "webhooks"))
        for number in range(round(tasks * SHARES[queue]))
    ]


def _order(number: int, random: Random) -> DemoTask:
    """Short requests that fail now and then."""
    stumbles = number % STUMBLES_EVERY == STUMBLES_EVERY - 1
    return DemoTask("orders", f"order-{number}", (500,) if stumbles else (), takes=random.uniform(0.005, 0.03))


def _report(number: int, random: Random) -> DemoTask:
    """Slow requests: the limit is how many may run at once."""
    lingers = number % LINGERS_EVERY == LINGERS_EVERY - 1
    return DemoTask("reports", f"report-{number}", takes=1.5 if lingers else random.uniform(0.04, 0.1))


def _webhook(number: int, random: Random) -> DemoTask:
    """Calls of another service: some fail a few times, some always."""
    if number < ASKS_FOR_ROOM:
        failures: tuple[int, ...] = (503,)
    elif number % FAILS_ALWAYS_EVERY == FAILS_ALWAYS_EVERY - 1:
        failures = (404,) * 5
    elif number % FAILS_AT_FIRST_EVERY == 0:
        failures = tuple(random.choice((500, 404)) for _ in range(random.randint(1, 4)))
    else:
        failures = ()
    return DemoTask("webhooks", f"webhook-{number}", failures, takes=random.uniform(0.0, 0.02))
