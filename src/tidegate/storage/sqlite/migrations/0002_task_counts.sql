-- How many tasks a generation has, kept by whoever adds or removes some: counting rows would take too long to be asked
-- for every second.

ALTER TABLE generations ADD COLUMN tasks INTEGER NOT NULL DEFAULT 0;
UPDATE generations SET tasks = (SELECT count(*) FROM tasks WHERE generation = generations.id);
