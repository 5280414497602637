-- All statements of one report see the same moment, so that its numbers add up.
set transaction isolation level repeatable read, read only;
