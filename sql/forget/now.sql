-- Later than whatever this session has committed.
select clock_timestamp()::text as now;
