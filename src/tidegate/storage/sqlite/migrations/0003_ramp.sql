-- How far a queue has ramped up; NULL: it does not.

ALTER TABLE queues ADD COLUMN ramp BLOB;
