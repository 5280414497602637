-- On the coordinator of a Citus cluster: the two large tables are distributed over its nodes by uniq_id, and the
-- dimensions copied to all of them. Everything else stays on the coordinator.
--
-- Citus has no triggers on distributed tables, so retention is not told of facts that are changed by hand.
drop trigger f_sales_inserted on mart.f_sales;
drop trigger f_sales_deleted on mart.f_sales;
drop trigger f_sales_updated_from on mart.f_sales;
drop trigger f_sales_updated_to on mart.f_sales;
drop trigger f_sales_truncated on mart.f_sales;

select create_distributed_table('staging.user_order_log', 'uniq_id', colocate_with => 'none');
select create_distributed_table('mart.f_sales', 'uniq_id', colocate_with => 'staging.user_order_log');

select create_reference_table(dimension)
from unnest(array['mart.d_city', 'mart.d_item', 'mart.d_customer']::regclass[]) as dimension;
