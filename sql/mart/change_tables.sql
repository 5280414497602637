-- For the transaction that changes facts: those that go, those that come (a changed fact is in both), and the customers
-- whose week of retention that concerns.
create temporary table fact_lost on commit drop as
select uniq_id, status, date_id, customer_id from mart.f_sales with no data;

create temporary table fact_gained on commit drop as
select * from staging.order_fact with no data;

create temporary table customer_week (
    period_id integer not null,
    customer_id bigint not null
) on commit drop;
