"""What Tidegate promises of an attempt (numbers, times, headers), said apart from the code of the server."""

from __future__ import annotations

from dataclasses import dataclass

from tests.endtoend.handler import Arrival

SECOND = 1_000_000  # all times here are microseconds


@dataclass(frozen=True)
class Retries:
    """A queue's retry settings."""

    min_backoff: float = 0.1
    max_backoff: float = 3600
    max_doublings: int = 16
    max_attempts: int = 100

    def wait(self, failures: int) -> int:
        """The wait after so many failed attempts: doubled so often, then growing by that step, never over the most."""
        doublings = min(failures - 1, self.max_doublings)
        steps = failures - doublings
        return int(min(self.max_backoff, self.min_backoff * 2**doublings * steps) * SECOND)

    def config(self) -> dict[str, object]:
        """As CreateQueue takes it."""
        return {
            "min_backoff": f"{self.min_backoff}s",
            "max_backoff": f"{self.max_backoff}s",
            "max_doublings": self.max_doublings,
            "max_attempts": self.max_attempts,
        }


def seconds_text(microseconds: int) -> str:
    """Unix seconds in the fewest digits that say the microseconds, as X-CloudTasks-TaskETA has them."""
    whole, fraction = divmod(microseconds, SECOND)
    return f"{whole}.{fraction:06}".rstrip("0").rstrip(".")


def expected_headers(
    arrival: Arrival, before: list[Arrival], due: int, host: str, user_headers: dict[str, str]
) -> dict[str, str]:
    """All the headers that an attempt must have, names in lower case; ``before`` are the task's earlier attempts."""
    headers = {
        "host": host,
        "user-agent": "Google-Cloud-Tasks",
        "x-cloudtasks-queuename": arrival.queue,
        "x-cloudtasks-taskname": arrival.task,
        "x-cloudtasks-taskretrycount": str(len(before)),
        "x-cloudtasks-taskexecutioncount": str(sum(each.status is not None and each.status < 500 for each in before)),
        "x-cloudtasks-tasketa": seconds_text(due),
        **{name.lower(): value for name, value in user_headers.items()},
    }
    if before:
        last = before[-1]
        headers["x-cloudtasks-taskpreviousresponse"] = str(last.status or (504 if last.step == "hang" else 0))
        headers["x-cloudtasks-taskretryreason"] = ""
    if arrival.method in {"POST", "PUT", "PATCH"}:
        headers["content-length"] = str(len(arrival.body))
    return headers
