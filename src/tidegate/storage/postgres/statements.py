"""All SQL but the tables' own: one constant for each statement, so that a test can ask how each is planned.

Rules, each learnt from a plan that went wrong: rows are addressed by ``seq = ANY(list)``; what must not be looked up by
an index is wrapped (``coalesce(node, 0)``); no index stands where a write could take it instead.
"""

from __future__ import annotations

from typing import Final

from tidegate.storage.rows import INLINE_BODY, TASK_COLUMNS

# The fence

CLOCK: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
FENCE: Final = f"{CLOCK} FROM writers WHERE node = %b AND lane = %b FOR NO KEY UPDATE"
WAS_COMMITTED: Final = "SELECT 1 FROM commits WHERE node = %b AND number = %b"
FORGET_COMMITS: Final = "DELETE FROM commits WHERE node = %b AND number < %b"

# Queues

_NEWEST_FLOW: Final = "CROSS JOIN LATERAL (SELECT * FROM flows WHERE flows.queue = q.id ORDER BY n DESC LIMIT 1) f"
_FLOW: Final = "f.n, f.tokens, f.filled_at, f.throttle, f.ramp, f.under_way, f.head, f.reach"
_QUEUE: Final = f"q.id, q.name, q.generation, q.settings, {_FLOW}"

QUEUE: Final = f"SELECT {_QUEUE} FROM queues q {_NEWEST_FLOW} WHERE q.name = %b"
QUEUES_BY_NAME: Final = f"SELECT {_QUEUE} FROM queues q {_NEWEST_FLOW} WHERE q.name = ANY(%b)"
QUEUES: Final = (
    f"SELECT {_QUEUE} FROM queues q {_NEWEST_FLOW} WHERE q.name > %b AND q.name < %b ORDER BY q.name LIMIT %b"
)
FIRST_QUEUE_NAME: Final = "SELECT name FROM queues WHERE name > %b AND name < %b ORDER BY name LIMIT 1"

_HOLD: Final = "SELECT id, name, generation, settings FROM queues WHERE name = ANY(%b) ORDER BY id FOR NO KEY UPDATE"
HOLD: Final = _HOLD
HOLD_FREE: Final = f"{_HOLD} SKIP LOCKED"
HOLD_BY_ID: Final = (
    "SELECT id, name, generation, settings FROM queues WHERE id = ANY(%b) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
)
FLOWS: Final = (
    f"SELECT a.id, {_FLOW} FROM unnest(%b::bigint[]) AS a(id) CROSS JOIN LATERAL"
    " (SELECT * FROM flows WHERE queue = a.id ORDER BY n DESC LIMIT 1) f"
)
INSERT_FLOWS: Final = (
    "INSERT INTO flows (queue, n, tokens, filled_at, throttle, ramp, under_way, head, reach) SELECT * FROM unnest("
    "%b::bigint[], %b::bigint[], %b::float8[], %b::bigint[], %b::bytea[], %b::bytea[], %b::text[], %b::bigint[],"
    " %b::bigint[])"
)
DELETE_OLD_FLOWS: Final = (
    "DELETE FROM flows USING unnest(%b::bigint[], %b::bigint[], %b::bigint[]) AS old(queue, first, newest)"
    " WHERE flows.queue = old.queue AND flows.n >= old.first AND flows.n < old.newest"
)

INSERT_QUEUE: Final = (
    "INSERT INTO queues (name, generation, settings) VALUES (%b, 0, %b) ON CONFLICT (name) DO NOTHING RETURNING id"
)
SAVE_SETTINGS: Final = "UPDATE queues SET settings = %b WHERE id = %b"
DELETE_QUEUE: Final = "DELETE FROM queues WHERE id = %b"
DELETE_FLOWS: Final = "DELETE FROM flows WHERE queue = %b"
RESERVE_NAME: Final = (
    "INSERT INTO reserved_names (name, until) VALUES (%b, %b) ON CONFLICT (name) DO UPDATE SET until = excluded.until"
)
FREE_NAME: Final = "DELETE FROM reserved_names WHERE name = %b"
IS_RESERVED: Final = "SELECT 1 FROM reserved_names WHERE name = %b AND until > %b"
OPEN_GENERATION: Final = "INSERT INTO generations (queue) VALUES (%b) RETURNING id"
SET_GENERATION: Final = "UPDATE queues SET generation = %b WHERE id = %b"
CLOSE_GENERATION: Final = "UPDATE generations SET tombstones_until = %b, closed_at = %b WHERE id = %b"

# Tasks, read

_TASK: Final = TASK_COLUMNS
TASK: Final = f"SELECT {_TASK}, ''::bytea FROM tasks WHERE generation = %b AND id = %b"
TASK_WITH_BODY: Final = f"SELECT {_TASK}, body FROM tasks WHERE generation = %b AND id = %b"
_PAGE: Final = "FROM tasks WHERE generation = %b AND id > %b ORDER BY id LIMIT %b"
TASKS: Final = f"SELECT {_TASK}, ''::bytea {_PAGE}"
TASKS_WITH_BODIES: Final = f"SELECT {_TASK}, body {_PAGE}"
FIRST_PLACE, LAST_PLACE = -(2**63), 2**63 - 1
LINE: Final = (
    f"SELECT {_TASK}, due FROM tasks WHERE generation + 0 = %b AND (due, seq + 0) > (%b, %b)"
    " ORDER BY due, seq + 0 LIMIT %b"
)
LINE_BACKWARDS: Final = (
    f"SELECT {_TASK}, due FROM tasks WHERE generation + 0 = %b AND (due, seq + 0) < (%b, %b)"
    " ORDER BY due DESC, seq + 0 DESC LIMIT %b"
)
LEASES: Final = (
    "SELECT id, schedule_time, dispatch_count FROM tasks"
    " WHERE generation = %b AND id = ANY(%b) AND (tag || '') IS NOT NULL"
)
LEASES_LOCKED: Final = f"{LEASES} FOR UPDATE"
HAS_TASKS: Final = "SELECT 1 FROM tasks WHERE generation = %b LIMIT 1"
ENTOMBED: Final = (
    "SELECT id FROM tombstones WHERE queue = %(queue)b AND until > %(now)b AND id = ANY(%(ids)b)"
    " UNION ALL SELECT t.id FROM generations g CROSS JOIN LATERAL"
    " (SELECT id FROM tasks WHERE generation = g.id AND id = ANY(%(ids)b) OFFSET 0) t"
    " WHERE g.queue = %(queue)b AND g.tombstones_until IS NOT NULL AND g.tombstones_until > %(now)b"
)
LIVING: Final = "SELECT id FROM tasks WHERE generation = %b AND id = ANY(%b)"
_FIRST_WAITING: Final = (
    "(SELECT due FROM tasks WHERE generation + 0 = q.generation AND node IS NULL AND due >= f.head"
    " ORDER BY due, seq + 0 LIMIT 1)"
)
NEXT_DUE: Final = f"SELECT q.id, {_FIRST_WAITING} FROM queues q {_NEWEST_FLOW} WHERE q.id = ANY(%b)"
WAITING_BEFORE: Final = (
    "SELECT schedule_time FROM tasks WHERE generation + 0 = %b AND node IS NULL"
    " AND (due, seq + 0) < (SELECT due, seq + 0 FROM tasks WHERE seq = %b) ORDER BY due, seq + 0 LIMIT %b"
)
FIRST_DUE: Final = (
    "SELECT a.id, (SELECT due FROM tasks WHERE generation + 0 = a.generation AND node IS NULL AND due >= a.head"
    " ORDER BY due, seq + 0 LIMIT 1)"
    " FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[]) AS a(id, generation, head)"
)
BACKLOG: Final = (
    f"SELECT first.due, {_QUEUE} FROM queues q {_NEWEST_FLOW} CROSS JOIN LATERAL"
    " (SELECT due FROM tasks WHERE generation + 0 = q.generation AND node IS NULL AND due >= least(f.head, %b)"
    " ORDER BY due, seq + 0 LIMIT 1) first ORDER BY q.id"
)
_WAITING_COUNT: Final = (
    "SELECT count(*) FROM (SELECT dispatch_count FROM tasks WHERE generation + 0 = %b AND node IS NULL AND {when}"
    " ORDER BY due, seq + 0 LIMIT %b) counted"
)
DUE_COUNT: Final = _WAITING_COUNT.format(when="due <= %b")
LATER_COUNT: Final = _WAITING_COUNT.format(when="due > %b")
LEASED_COUNT: Final = LATER_COUNT + " WHERE dispatch_count > 0"
COUNTS: Final = (
    "SELECT a.generation, coalesce((SELECT sum(tasks)::bigint FROM counts WHERE counts.generation = a.generation), 0)"
    " FROM unnest(%b::bigint[]) AS a(generation)"
)
ADD_COUNTS: Final = (
    "INSERT INTO counts (generation, node, tasks) SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[])"
    " ON CONFLICT (generation, node) DO UPDATE SET tasks = counts.tasks + excluded.tasks"
)

FOLD_COUNTS: Final = (
    "WITH gone AS (DELETE FROM counts WHERE node = %(node)b AND generation = ANY(%(generations)b)"
    " RETURNING generation, tasks)"
    " INSERT INTO counts (generation, node, tasks) SELECT generation, %(into)b, tasks FROM gone"
    " ON CONFLICT (generation, node) DO UPDATE SET tasks = counts.tasks + excluded.tasks"
)
COUNTED_BY: Final = (
    "SELECT generation FROM counts WHERE node = %b ORDER BY node, generation LIMIT %b FOR UPDATE SKIP LOCKED"
)
COUNT_ANEW: Final = (
    "INSERT INTO counts (generation, node, tasks) SELECT generation, -1, 0 FROM queues"
    " ON CONFLICT (generation, node) DO NOTHING"
)
RECOUNT: Final = (
    "INSERT INTO counts (generation, node, tasks) SELECT a.generation, 0, c.found - k.known"
    " FROM unnest(%(generations)b::bigint[]) AS a(generation)"
    " CROSS JOIN LATERAL (SELECT count(*) AS found FROM"
    " (SELECT 1 FROM tasks WHERE generation = a.generation LIMIT %(most)b) first) c"
    " CROSS JOIN LATERAL (SELECT coalesce(sum(tasks), 0)::bigint AS known FROM counts"
    " WHERE counts.generation = a.generation) k"
    " WHERE c.found < %(most)b ON CONFLICT (generation, node) DO UPDATE SET tasks = counts.tasks + excluded.tasks"
)

# Tasks, written

NEXT_SEQS: Final = "SELECT nextval('task_seq') FROM generate_series(1, %b)"
SEQS_PER_BLOCK: Final = 1024

_NEW: Final = "seq, generation, id, due, schedule_time, create_time, tag, settings, body"
_NEW_ROWS: Final = (
    "unnest(%b::bigint[], %b::bigint[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::bytea[],"
    " %b::bytea[])"
)
INSERT_TASKS: Final = f"INSERT INTO tasks ({_NEW}) SELECT * FROM {_NEW_ROWS} ON CONFLICT (generation, id) DO NOTHING"
INSERT_DISPATCHED: Final = (
    f"INSERT INTO tasks (dispatch_count, first_dispatch_at, dispatched_at, node, {_NEW})"
    f" SELECT 1, %b, %b, %b, new.* FROM {_NEW_ROWS} AS new ON CONFLICT (generation, id) DO NOTHING"
)
EXISTING: Final = "SELECT seq FROM tasks WHERE seq = ANY(%b)"
ENTOMBED_BY_ID: Final = "SELECT id FROM tombstones WHERE queue = %b AND until > %b AND id = ANY(%b)"
TAKE_BACK: Final = "DELETE FROM tasks WHERE seq = ANY(%b)"

_BODY: Final = f"CASE WHEN octet_length(t.body) <= {INLINE_BODY} THEN t.body END, octet_length(t.body)"
DUE: Final = (
    "SELECT asked.g, t.due, t.seq, t.id, t.schedule_time, t.create_time, t.dispatch_count, t.response_count,"
    f" t.answer_count, t.first_dispatch_at, t.last_attempt, t.settings, {_BODY}"
    " FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[]) AS asked(g, head, lim) CROSS JOIN LATERAL"
    " (SELECT * FROM tasks WHERE generation + 0 = asked.g AND node IS NULL AND due >= asked.head AND due <= %b"
    " ORDER BY due, seq + 0 LIMIT asked.lim FOR UPDATE SKIP LOCKED) t"
)
_LEASABLE: Final = (
    "SELECT t.seq, t.id, t.schedule_time, t.create_time, t.dispatch_count, t.settings, " + _BODY + " FROM"
    " (SELECT * FROM tasks WHERE {where} AND due <= %b ORDER BY due, seq + 0 LIMIT %b FOR UPDATE SKIP LOCKED) t"
)
LEASABLE: Final = _LEASABLE.format(where="generation + 0 = %b AND node IS NULL")
LEASABLE_BY_TAG: Final = _LEASABLE.format(where="generation * 1 = %b AND tag = %b")
BODIES: Final = "SELECT seq, body FROM tasks WHERE seq = ANY(%b)"
MARK_DISPATCHED: Final = (
    "UPDATE tasks SET dispatch_count = dispatch_count + 1, dispatched_at = %(now)b,"
    " first_dispatch_at = coalesce(first_dispatch_at, %(now)b), node = %(node)b WHERE seq = ANY(%(seqs)b)"
)
MARK_FORCED: Final = (
    "UPDATE tasks SET dispatch_count = dispatch_count + 1, dispatched_at = %(now)b, due = %(now)b,"
    " first_dispatch_at = coalesce(first_dispatch_at, %(now)b), node = %(node)b WHERE seq = ANY(%(seqs)b)"
)
MARK_LEASED: Final = (
    "UPDATE tasks SET due = %(until)b, schedule_time = %(until)b, dispatch_count = dispatch_count + 1,"
    " last_lease = NULL WHERE seq = ANY(%(seqs)b)"
)
MARK_LAST_LEASES: Final = "UPDATE tasks SET last_lease = %b WHERE seq = ANY(%b)"
RESCHEDULE: Final = "UPDATE tasks SET due = %b, schedule_time = %b WHERE seq = ANY(%b)"
RETRY: Final = (
    "UPDATE tasks t SET due = u.due, schedule_time = u.at, response_count = u.responses, answer_count = u.answers,"
    " last_attempt = u.last, node = NULL, dispatched_at = NULL"
    " FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bytea[], %b::bigint[])"
    " AS u(seq, due, at, responses, answers, last, attempt)"
    " WHERE t.seq = ANY(%b) AND t.seq = u.seq AND t.dispatch_count = u.attempt AND coalesce(t.node, 0) = %b"
    " RETURNING t.seq"
)
FINISH: Final = (
    "WITH gone AS (DELETE FROM tasks WHERE seq = ANY(%(seqs)b) AND dispatch_count = %(attempt)b"
    " AND coalesce(node, 0) = %(node)b RETURNING generation, id),"
    " buried AS (INSERT INTO tombstones (ring, queue, id, until) SELECT q.ring, q.queue, gone.id, q.until FROM gone"
    " JOIN unnest(%(generations)b::bigint[], %(queues)b::bigint[], %(untils)b::bigint[], %(rings)b::bigint[])"
    " AS q(generation, queue, until, ring) ON q.generation = gone.generation RETURNING queue)"
    " SELECT queue, count(*) FROM buried GROUP BY queue"
)
NEWEST: Final = "SELECT seq FROM tasks WHERE seq = ANY(%b) AND dispatch_count = %b AND coalesce(node, 0) = %b"
REMOVE: Final = "DELETE FROM tasks WHERE generation = %b AND id = ANY(%b) RETURNING id"
ENTOMB: Final = (
    "INSERT INTO tombstones (ring, queue, id, until) SELECT * FROM"
    " unnest(%b::bigint[], %b::bigint[], %b::text[], %b::bigint[])"
)
_QUEUE_OF_TASK: Final = (
    "FROM (SELECT * FROM tasks WHERE {where}) t JOIN generations g ON g.id = t.generation"
    " {left}JOIN queues q ON q.id = g.queue AND q.generation = t.generation"
)
_TASK_OF_T: Final = ", ".join(f"t.{column}" for column in TASK_COLUMNS.split(", "))
LAST_LEASES: Final = f"SELECT {_TASK_OF_T}, q.name " + _QUEUE_OF_TASK.format(
    where="last_lease IS NOT NULL AND due <= %b ORDER BY due LIMIT %b", left=""
)
AGES: Final = (
    "SELECT t.seq, t.id, t.create_time, q.name "
    + _QUEUE_OF_TASK.format(where="seq > %b ORDER BY seq LIMIT %b", left="LEFT ")
    + " ORDER BY t.seq"
)

# The rest

DOCUMENT: Final = "SELECT value FROM documents WHERE kind = %b AND name = %b AND (expires IS NULL OR expires > %b)"
DOCUMENTS: Final = (
    "SELECT name, value FROM documents WHERE kind = %b AND name > %b AND name < %b"
    " AND (expires IS NULL OR expires > %b) ORDER BY name LIMIT %b"
)
PUT_DOCUMENT: Final = (
    "INSERT INTO documents (kind, name, value, expires) VALUES (%b, %b, %b, %b)"
    " ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value, expires = excluded.expires"
)
DROP_DOCUMENT: Final = "DELETE FROM documents WHERE kind = %b AND name = %b"

HELD_BY_NODE: Final = (
    f"SELECT q.id FROM queues q {_NEWEST_FLOW} WHERE q.id > %b AND f.under_way LIKE %b ORDER BY q.id LIMIT %b"
)
UNDER_WAY: Final = (
    f"SELECT {_TASK}, ''::bytea FROM tasks WHERE generation + 0 = %b AND due <= %b AND node = %b"
    " ORDER BY due, seq + 0 LIMIT %b FOR UPDATE"
)
RELEASE_SEQS: Final = (
    "UPDATE tasks SET node = NULL, dispatched_at = NULL, due = %(now)b, schedule_time = least(schedule_time, %(now)b)"
    " WHERE seq = ANY(%(seqs)b) AND coalesce(node, 0) = %(node)b"
)
RELEASE_ATTEMPT: Final = f"{RELEASE_SEQS} AND dispatch_count = %(attempt)b"
MARKED: Final = (
    "SELECT seq, dispatch_count FROM tasks WHERE generation + 0 = %b AND due <= %b AND node = %b"
    " ORDER BY due, seq + 0 LIMIT %b"
)
QUEUES_BY_ID: Final = f"SELECT {_QUEUE} FROM queues q {_NEWEST_FLOW} WHERE q.id = ANY(%b)"
QUEUE_IDS: Final = "SELECT id FROM queues WHERE id = ANY(%b)"

CLOSED_GENERATION: Final = (
    "SELECT g.id, g.queue, g.tombstones_until FROM generations g WHERE g.tombstones_until IS NOT NULL"
    " AND (g.closed_at < %b OR (SELECT 1 FROM tasks WHERE tasks.generation = g.id LIMIT 1) = 1) LIMIT 1"
    " FOR UPDATE SKIP LOCKED"
)
EMPTY_GENERATION: Final = (
    "DELETE FROM tasks WHERE seq = ANY(ARRAY(SELECT seq FROM tasks WHERE generation = %b LIMIT %b)) RETURNING id"
)
DROP_GENERATION: Final = "DELETE FROM generations WHERE id = %b AND closed_at < %b"
DROP_COUNTS: Final = "DELETE FROM counts WHERE generation = %b"
CLEAR_TOMBSTONES: Final = (
    "DELETE FROM tombstones_6 WHERE (queue, id) IN (SELECT queue, id FROM tombstones_6 WHERE until <= %(now)b"
    " ORDER BY until LIMIT %(limit)b) AND until <= %(now)b"
)
CLEAR_NAMES: Final = (
    "DELETE FROM reserved_names WHERE name IN"
    " (SELECT name FROM reserved_names WHERE until <= %b ORDER BY until LIMIT %b)"
)
CLEAR_DOCUMENTS: Final = (
    "DELETE FROM documents WHERE (kind, name) IN"
    " (SELECT kind, name FROM documents WHERE expires <= %b ORDER BY expires LIMIT %b)"
)
DATA_TABLES: Final = (
    *("queues", "flows", "generations", "counts", "tasks", "tombstones", "reserved_names", "documents"),
    *("attempts", "attempts_sizes", "dead_tasks", "shelves"),
)

# Nodes

JOIN: Final = "INSERT INTO nodes (name, version) VALUES (%b, %b) RETURNING id"
ADD_WRITER: Final = "INSERT INTO writers (node, lane) VALUES (%b, %b)"
NAMESAKES: Final = "SELECT id FROM nodes WHERE name = %b AND id < %b"
BEAT: Final = "UPDATE nodes SET beat = beat + 1 WHERE id = %b AND NOT fenced"
NODES: Final = "SELECT id, beat, fenced FROM nodes ORDER BY id"
OLDEST: Final = "SELECT oldest FROM steps ORDER BY n DESC LIMIT 1"
FENCE_NODE: Final = "UPDATE nodes SET fenced = true WHERE id = %b AND beat = %b"
FENCE_ANYHOW: Final = "UPDATE nodes SET fenced = true WHERE id = %b"
DROP_WRITER: Final = "DELETE FROM writers WHERE node = %b"
DROP_NODE: Final = "DELETE FROM nodes WHERE id = %b"
DROP_COMMITS: Final = "DELETE FROM commits WHERE node = %b"
NODE_IS_FENCED: Final = "SELECT fenced FROM nodes WHERE id = %b"
RING_IS_USED: Final = "SELECT 1 FROM tombstones_{ring} LIMIT 1"
