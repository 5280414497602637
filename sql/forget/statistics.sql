-- The planner's statistics hold frequent values of every column.
analyze staging.user_order_log (first_name, last_name);
analyze mart.d_customer (first_name, last_name);
analyze staging.rejected_row (raw);
