-- Pull tasks that were leased as often as they may be: once their lease has run out, the janitor deletes them.

ALTER TABLE tasks ADD COLUMN last_lease INTEGER;  -- 1, or NULL: this is not its last lease
CREATE INDEX last_leases ON tasks (schedule_time) WHERE last_lease IS NOT NULL;
