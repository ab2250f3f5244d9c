-- Attempts that ended, and tasks that were given up. Blobs are msgpack, see storage/shelf_rows.py.

CREATE TABLE attempts (
    id         INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,  -- of the task
    task       TEXT NOT NULL,     -- its ID
    number     INTEGER NOT NULL,
    expires    INTEGER,           -- NULL: it goes with its task
    record     BLOB NOT NULL
) STRICT;
CREATE INDEX attempts_by_task ON attempts (generation, task);
CREATE INDEX attempts_by_queue ON attempts (generation);
CREATE INDEX attempts_by_end ON attempts (expires) WHERE expires IS NOT NULL;

ALTER TABLE generations ADD COLUMN attempts_size INTEGER NOT NULL DEFAULT 0;  -- bytes of their records

CREATE TABLE dead_tasks (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: it is in names
    queue    INTEGER NOT NULL,
    task     TEXT NOT NULL,                      -- its ID
    expires  INTEGER NOT NULL,
    size     INTEGER NOT NULL,                   -- bytes of the blobs
    record   BLOB NOT NULL,                      -- the task, when and why it died
    body     BLOB NOT NULL,
    attempts BLOB NOT NULL
) STRICT;
CREATE INDEX dead_tasks_by_queue ON dead_tasks (queue);
CREATE INDEX dead_tasks_by_task ON dead_tasks (queue, task);
CREATE INDEX dead_tasks_by_end ON dead_tasks (expires);

-- What the shelf of a queue holds, kept by whoever adds or takes some.
CREATE TABLE shelves (
    queue   INTEGER PRIMARY KEY,
    tasks   INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    dropped INTEGER  -- 1: the queue is deleted
) STRICT;
CREATE INDEX dropped_shelves ON shelves (queue) WHERE dropped IS NOT NULL;
