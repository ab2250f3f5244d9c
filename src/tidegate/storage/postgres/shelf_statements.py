"""The SQL of kept attempts and dead tasks, a constant for each statement."""

from __future__ import annotations

from typing import Final

# Attempts

ATTEMPTS: Final = "SELECT id, task, record FROM attempts WHERE generation = %b AND id < %b ORDER BY id DESC LIMIT %b"
ATTEMPTS_OF: Final = (
    "SELECT id, task, record FROM attempts WHERE generation = %b AND task = %b AND id < %b ORDER BY id DESC LIMIT %b"
)
INSERT_ATTEMPTS: Final = (
    "INSERT INTO attempts (generation, task, number, expires, record) SELECT * FROM"
    " unnest(%b::bigint[], %b::text[], %b::bigint[], %b::bigint[], %b::bytea[])"
)
ADD_ATTEMPTS_SIZES: Final = (
    "INSERT INTO attempts_sizes (generation, size) SELECT * FROM unnest(%b::bigint[], %b::bigint[])"
    " ON CONFLICT (generation) DO UPDATE SET size = attempts_sizes.size + excluded.size RETURNING generation, size"
)
DROP_ATTEMPTS: Final = "DELETE FROM attempts WHERE generation = %b AND task = ANY(%b) RETURNING octet_length(record)"
DROP_OUTDATED_ATTEMPTS: Final = (
    "DELETE FROM attempts WHERE generation = %b AND task = %b AND number <= %b RETURNING octet_length(record)"
)
OLDEST_ATTEMPTS: Final = "SELECT id, octet_length(record) FROM attempts WHERE generation = %b ORDER BY id LIMIT %b"
DELETE_ATTEMPTS: Final = "DELETE FROM attempts WHERE id = ANY(%b)"
EXPIRE_ATTEMPTS: Final = "UPDATE attempts SET expires = %b WHERE generation = %b AND task = ANY(%b) AND expires IS NULL"
TAKE_ATTEMPTS: Final = "DELETE FROM attempts WHERE generation = %b AND task = ANY(%b) RETURNING id, task, record"
EMPTY_ATTEMPTS: Final = (
    "DELETE FROM attempts WHERE id = ANY(ARRAY(SELECT id FROM attempts WHERE generation = %b ORDER BY id LIMIT %b))"
)
DROP_ATTEMPTS_SIZE: Final = "DELETE FROM attempts_sizes WHERE generation = %b"
CLEAR_ATTEMPTS: Final = (
    "DELETE FROM attempts WHERE id = ANY(ARRAY(SELECT id FROM attempts WHERE expires <= %b ORDER BY expires LIMIT %b))"
    " RETURNING generation, octet_length(record)"
)

# Dead tasks

_BARE: Final = "SELECT id, task, expires, size, record, ''::bytea, ''::bytea FROM dead_tasks WHERE queue = %b"
DEAD_AFTER: Final = f"{_BARE} AND id > %b ORDER BY id LIMIT %b"
DEAD_BEFORE: Final = f"{_BARE} AND id < %b ORDER BY id DESC LIMIT %b"
BARE_DEAD: Final = f"{_BARE} AND id = ANY(%b) ORDER BY id"
_WHOLE: Final = "SELECT id, task, expires, size, record, body, attempts FROM dead_tasks"
WHOLE_DEAD: Final = f"{_WHOLE} WHERE queue = %b AND id = ANY(%b) ORDER BY id"
_WITH_ATTEMPTS: Final = "SELECT id, task, expires, size, record, ''::bytea, attempts FROM dead_tasks WHERE queue = %b"
DEAD_OF: Final = f"{_WITH_ATTEMPTS} AND task = %b ORDER BY id DESC LIMIT %b"
DEAD_WITH_ATTEMPTS: Final = f"{_WITH_ATTEMPTS} AND id <= %b ORDER BY id DESC LIMIT %b"
LAST_ID: Final = 2**63 - 1
SHELF: Final = "SELECT tasks, size FROM shelves WHERE queue = %b"
SHELVES: Final = "SELECT queue, tasks, size FROM shelves WHERE queue = ANY(%b)"
INSERT_DEAD: Final = (
    "INSERT INTO dead_tasks (queue, task, expires, size, record, body, attempts) SELECT * FROM unnest(%b::bigint[],"
    " %b::text[], %b::bigint[], %b::bigint[], %b::bytea[], %b::bytea[], %b::bytea[])"
)
ADD_TO_SHELF: Final = (
    "INSERT INTO shelves (queue, tasks, size) VALUES (%b, %b, %b) ON CONFLICT (queue)"
    " DO UPDATE SET tasks = shelves.tasks + excluded.tasks, size = shelves.size + excluded.size RETURNING tasks, size"
)
OLDEST_DEAD: Final = "SELECT id, size FROM dead_tasks WHERE queue = %b ORDER BY id LIMIT %b"
DELETE_DEAD: Final = "DELETE FROM dead_tasks WHERE id = ANY(%b)"
DROP_DEAD: Final = "DELETE FROM dead_tasks WHERE queue = %b AND id = ANY(%b) RETURNING size"
FREE_TASK_NAMES: Final = "DELETE FROM tombstones WHERE queue = %b AND id = ANY(%b)"
RESTORE_COUNTS: Final = (
    "UPDATE tasks SET dispatch_count = u.dispatches, response_count = u.responses, answer_count = u.answers,"
    " first_dispatch_at = u.first, last_attempt = u.last FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[],"
    " %b::bigint[], %b::bytea[], %b::text[]) AS u(dispatches, responses, answers, first, last, id)"
    " WHERE tasks.generation = %b AND tasks.id = u.id"
)
DROP_SHELF: Final = "UPDATE shelves SET dropped = 1 WHERE queue = %b"
CLEAR_DEAD: Final = (
    "DELETE FROM dead_tasks WHERE id = ANY(ARRAY(SELECT id FROM dead_tasks WHERE expires <= %b ORDER BY expires"
    " LIMIT %b)) RETURNING queue, size"
)
DROPPED_SHELF: Final = "SELECT queue FROM shelves WHERE dropped IS NOT NULL ORDER BY queue LIMIT 1"
EMPTY_SHELF: Final = (
    "DELETE FROM dead_tasks WHERE id = ANY(ARRAY(SELECT id FROM dead_tasks WHERE queue = %b ORDER BY id LIMIT %b))"
)
DELETE_SHELF: Final = "DELETE FROM shelves WHERE queue = %b"
