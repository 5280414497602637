-- Citus refuses to analyze a table that it holds a copy of on every node, once the coordinator has written to its own
-- copy directly. Without Citus it is a name that nobody reads.
set local citus.enable_local_execution = off;
