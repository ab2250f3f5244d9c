"""Looks, several of them in one transaction that sees one state."""

from __future__ import annotations

from typing import Any

import psycopg

from tidegate.engine.ports.store import StoreError
from tidegate.storage.postgres.connecting import LOST_STATEMENTS, run
from tidegate.storage.postgres.link import Link
from tidegate.storage.postgres.worker import Answer, Job, LostError, Runner, is_lost, one_by_one

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Reads(Runner):
    """Answers looks; ``handle`` is what each is called with."""

    def __init__(self, link: Link, handle: Any) -> None:
        self._link = link
        self._handle = handle

    def run(self, jobs: list[Job]) -> list[Answer]:
        try:
            return self._together(jobs)
        except LOST_STATEMENTS:
            self._link.without_prepared()
            raise LostError(jobs) from None
        except psycopg.Error as error:
            if is_lost(error, self._link):
                raise LostError(jobs) from error
            run(self._link.connection, "ROLLBACK")
            if len(jobs) == 1:
                return [Answer(jobs[0], None, StoreError(f"the store could not be read: {error}"))]
            return one_by_one(self.run, jobs)

    def _together(self, jobs: list[Job]) -> list[Answer]:
        run(self._link.connection, BEGIN)
        answers: list[Answer] = []
        for job in jobs:
            try:
                answers.append(Answer(job, job.work(self._handle)))
            except psycopg.Error:  # not the look's fault but the store's
                raise
            except BaseException as error:
                answers.append(Answer(job, None, error))
        run(self._link.connection, "COMMIT")
        return answers
