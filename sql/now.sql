-- Later than whatever was committed before.
select clock_timestamp()::text as now;
