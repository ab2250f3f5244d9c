-- Moments are microseconds since 1970. Columns of bytes are msgpack, see storage/rows.py. No foreign keys: each insert
-- would lock its parent's row, and many lockers of one row are slow.

CREATE SEQUENCE task_seq INCREMENT BY 1024;  -- a node takes a block at a time

-- One row for each life of a process; an ID is never used again.
CREATE TABLE nodes (
    id      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name    text NOT NULL,                   -- host and port: who starts under a name ends its namesakes
    beat    bigint NOT NULL DEFAULT 0,       -- its value means nothing; a node whose beat stands still is dead
    fenced  boolean NOT NULL DEFAULT false,
    version text NOT NULL
) WITH (fillfactor = 20);

-- The fence: each transaction of a node locks its row first. Who wants a node out deletes it.
CREATE TABLE writers (
    node bigint NOT NULL,
    lane int NOT NULL,
    PRIMARY KEY (node, lane)
);

-- Which transactions of a node were committed: asked when a connection broke before the answer came.
CREATE TABLE commits (
    node   bigint NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (node, number)
);

-- Hardly ever updated; locked by claims and by changes.
CREATE TABLE queues (
    id         bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name       text COLLATE "C" NOT NULL UNIQUE,
    generation bigint NOT NULL,              -- which tasks are its own; a purge starts the next one
    settings   bytea NOT NULL
);

-- What a queue has used of its limits. Appended, never updated: the newest counts, so that versions which a snapshot
-- keeps alive are not read.
CREATE TABLE flows (
    queue     bigint NOT NULL,
    n         bigint NOT NULL,
    tokens    double precision NOT NULL,
    filled_at bigint NOT NULL,
    throttle  bytea,                         -- NULL: not slowed at all
    ramp      bytea,                         -- NULL: it does not ramp up
    under_way text NOT NULL,                 -- JSON: attempts by node
    head      bigint NOT NULL,               -- no waiting task is due before
    reach     bigint NOT NULL,               -- no task that is under way is due after
    PRIMARY KEY (queue, n)
);

-- The tasks of a queue since it was made or purged. Purge and delete only close a generation, however many tasks it has.
CREATE TABLE generations (
    id               bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    queue            bigint NOT NULL,
    tombstones_until bigint,                 -- NULL: open. Closed: how long the names of its tasks stay taken, 0: not
    closed_at        bigint
);
CREATE INDEX closed_generations ON generations (queue) WHERE tombstones_until IS NOT NULL;

-- How many tasks a generation has, as each node counted them.
CREATE TABLE counts (
    generation bigint NOT NULL,
    node       bigint NOT NULL,
    tasks      bigint NOT NULL,
    PRIMARY KEY (generation, node)
);

-- With this fillfactor a claim, which changes no indexed column, stays on its page and touches no index.
CREATE TABLE tasks (
    seq               bigint PRIMARY KEY,    -- roughly the order of creation
    generation        bigint NOT NULL,
    id                text COLLATE "C" NOT NULL,
    due               bigint NOT NULL,       -- the place in line: the schedule time, but never before it was written
    schedule_time     bigint NOT NULL,
    create_time       bigint NOT NULL,
    dispatch_count    int NOT NULL DEFAULT 0,
    response_count    int NOT NULL DEFAULT 0,
    answer_count      int NOT NULL DEFAULT 0,
    first_dispatch_at bigint,
    dispatched_at     bigint,
    node              bigint,                -- whose attempt is under way; NULL: none is
    last_attempt      bytea,
    tag               text COLLATE "C",      -- of a pull task, empty for none; NULL: a push task
    last_lease        smallint,              -- 1, or NULL: this is not its last lease
    settings          bytea NOT NULL,
    body              bytea NOT NULL
) WITH (
    fillfactor = 55,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_cost_delay = 1
);
ALTER TABLE tasks ALTER body SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX tasks_by_id ON tasks (generation, id);
-- The expressions stand for the columns alone. Who looks for an ID or a seq does not name them, so that no plan made while
-- the table was empty takes the index of another question, and reads all of it once the table is full.
CREATE INDEX tasks_due ON tasks ((generation + 0), due, (seq + 0));
CREATE INDEX tasks_by_tag ON tasks ((generation * 1), tag, due, (seq + 0)) WHERE tag IS NOT NULL;
CREATE INDEX last_leases ON tasks (due) WHERE last_lease IS NOT NULL;

-- Names of tasks that are gone but not yet free again. Rings 0 to 5 have six hours each in turn and are emptied as a
-- whole; ring 6 has those that stay longer.
CREATE TABLE tombstones (
    ring  smallint NOT NULL,
    queue bigint NOT NULL,
    id    text COLLATE "C" NOT NULL,
    until bigint NOT NULL
) PARTITION BY LIST (ring);
CREATE TABLE tombstones_0 PARTITION OF tombstones FOR VALUES IN (0);
CREATE TABLE tombstones_1 PARTITION OF tombstones FOR VALUES IN (1);
CREATE TABLE tombstones_2 PARTITION OF tombstones FOR VALUES IN (2);
CREATE TABLE tombstones_3 PARTITION OF tombstones FOR VALUES IN (3);
CREATE TABLE tombstones_4 PARTITION OF tombstones FOR VALUES IN (4);
CREATE TABLE tombstones_5 PARTITION OF tombstones FOR VALUES IN (5);
CREATE TABLE tombstones_6 PARTITION OF tombstones FOR VALUES IN (6);
CREATE INDEX tombstones_by_id ON tombstones (queue, id);
CREATE INDEX long_tombstones_by_end ON tombstones_6 (until);

-- Names of deleted queues that are not yet free again.
CREATE TABLE reserved_names (
    name  text COLLATE "C" PRIMARY KEY,
    until bigint NOT NULL
);
CREATE INDEX reserved_names_by_end ON reserved_names (until);

-- Small values kept beside the queues: policies, operations, key configs, signing keys.
CREATE TABLE documents (
    kind    text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    value   bytea NOT NULL,
    expires bigint,
    PRIMARY KEY (kind, name)
);
CREATE INDEX documents_by_end ON documents (expires) WHERE expires IS NOT NULL;

-- Attempts that ended, and tasks that were given up. Columns of bytes are msgpack, see storage/shelf_rows.py.
CREATE TABLE attempts (
    id         bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    generation bigint NOT NULL,              -- of the task
    task       text COLLATE "C" NOT NULL,    -- its ID
    number     bigint NOT NULL,
    expires    bigint,                       -- NULL: it goes with its task
    record     bytea NOT NULL
);
CREATE INDEX attempts_by_task ON attempts (generation, task, id);
CREATE INDEX attempts_by_queue ON attempts (generation, id);
CREATE INDEX attempts_by_end ON attempts (expires) WHERE expires IS NOT NULL;

-- Bytes of the records of a generation's attempts.
CREATE TABLE attempts_sizes (
    generation bigint PRIMARY KEY,
    size       bigint NOT NULL
) WITH (fillfactor = 20);

CREATE TABLE dead_tasks (
    id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,  -- never given twice: it is in names
    queue    bigint NOT NULL,
    task     text COLLATE "C" NOT NULL,      -- its ID
    expires  bigint NOT NULL,
    size     bigint NOT NULL,                -- bytes of the columns of bytes
    record   bytea NOT NULL,                 -- the task, when and why it died
    body     bytea NOT NULL,
    attempts bytea NOT NULL
);
CREATE INDEX dead_tasks_by_queue ON dead_tasks (queue, id);
CREATE INDEX dead_tasks_by_task ON dead_tasks (queue, task, id);
CREATE INDEX dead_tasks_by_end ON dead_tasks (expires);

-- What the shelf of a queue holds, kept by whoever adds or takes some.
CREATE TABLE shelves (
    queue   bigint PRIMARY KEY,
    tasks   bigint NOT NULL,
    size    bigint NOT NULL,
    dropped smallint                         -- 1: the queue is deleted
) WITH (fillfactor = 20);
CREATE INDEX dropped_shelves ON shelves (queue) WHERE dropped IS NOT NULL;
