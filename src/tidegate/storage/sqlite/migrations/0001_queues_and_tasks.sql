-- Moments are microseconds since 1970. Blobs are msgpack, see storage/rows.py.

CREATE TABLE queues (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: a queue made anew is another queue
    name       TEXT NOT NULL UNIQUE,
    generation INTEGER NOT NULL,                   -- which tasks are its own; a purge starts the next one
    settings   BLOB NOT NULL,
    tokens     REAL NOT NULL,                      -- the token bucket
    filled_at  INTEGER NOT NULL,
    in_flight  INTEGER NOT NULL DEFAULT 0,         -- attempts under way
    throttle   BLOB                                -- how far the queue is slowed; NULL: not at all
) STRICT;

-- The tasks of a queue since it was made or purged. Purge and delete only close a generation, which takes no time
-- however many tasks wait in it; the janitor removes them afterwards.
CREATE TABLE generations (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    queue            INTEGER NOT NULL,
    tombstones_until INTEGER  -- NULL: open. Closed: how long the names of its tasks stay taken, 0 for not at all
) STRICT;
CREATE INDEX closed_generations ON generations (queue) WHERE tombstones_until IS NOT NULL;

CREATE TABLE tasks (
    seq               INTEGER PRIMARY KEY,  -- the order of creation
    generation        INTEGER NOT NULL,
    id                TEXT NOT NULL,
    schedule_time     INTEGER NOT NULL,
    create_time       INTEGER NOT NULL,
    dispatch_count    INTEGER NOT NULL DEFAULT 0,
    response_count    INTEGER NOT NULL DEFAULT 0,
    answer_count      INTEGER NOT NULL DEFAULT 0,
    first_dispatch_at INTEGER,
    dispatched_at     INTEGER,              -- set while an attempt is under way
    last_attempt      BLOB,
    tag               TEXT,                 -- of a pull task, empty for none; NULL: a push task
    settings          BLOB NOT NULL,
    body              BLOB                  -- NULL: long, and kept in bodies
) STRICT;
CREATE UNIQUE INDEX tasks_by_id ON tasks (generation, id);
CREATE INDEX waiting_tasks ON tasks (generation, schedule_time) WHERE dispatched_at IS NULL;
CREATE INDEX waiting_tasks_by_tag ON tasks (generation, tag, schedule_time) WHERE tag IS NOT NULL;
CREATE INDEX tasks_in_flight ON tasks (generation) WHERE dispatched_at IS NOT NULL;

-- Long bodies stand apart, so that an attempt, which rewrites the row of its task, does not rewrite them.
CREATE TABLE bodies (
    task INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- Names of tasks that are gone but not yet free again.
CREATE TABLE tombstones (
    queue INTEGER NOT NULL,
    id    TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (queue, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_by_end ON tombstones (until);

-- Names of deleted queues that are not yet free again.
CREATE TABLE reserved_names (
    name  TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Small values kept beside the queues: policies, operations, key configs.
CREATE TABLE documents (
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    value   BLOB NOT NULL,
    expires INTEGER,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX documents_by_end ON documents (expires) WHERE expires IS NOT NULL;
