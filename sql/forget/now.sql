select clock_timestamp()::text as now;
