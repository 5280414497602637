-- On the coordinator of a Citus cluster: the two large tables are distributed over its nodes by uniq_id, and the
-- dimensions copied to all of them. Everything else stays on the coordinator.

select create_distributed_table('staging.user_order_log', 'uniq_id', colocate_with => 'none');
select create_distributed_table('mart.f_sales', 'uniq_id', colocate_with => 'staging.user_order_log');

select create_reference_table(dimension)
from unnest(array['mart.d_city', 'mart.d_item', 'mart.d_customer']::regclass[]) as dimension;
