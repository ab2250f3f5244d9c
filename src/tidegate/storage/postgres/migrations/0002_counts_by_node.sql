-- Counts of nodes that are no more: added up under node 0, and under node -1 where tasks are to be counted anew.
CREATE INDEX counts_by_node ON counts (node, generation);
