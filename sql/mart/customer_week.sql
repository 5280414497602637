-- The customers whose week of retention the change of facts concerns, into `customer_week`.
insert into customer_week
select distinct
    mart.week_of(date_id),
    customer_id
from (
    select date_id, customer_id from fact_lost
    union all
    select date_id, customer_id from fact_gained
) as changed;
