-- What a person would write by hand with psql for one day, without this product: the yardstick of `npm run bench`.
-- Set-based, in one transaction, and safe to rerun; an order that a redelivery took away falls out, but the older
-- delivery of it does not come back.  :csv the raw file, :load_date

set search_path = by_hand;

begin;

create temporary table delivered (
    id bigint, uniq_id text collate "C", date_time timestamp, city_id bigint, city_name text, customer_id bigint,
    first_name text, last_name text, item_id bigint, item_name text, quantity bigint, payment_amount numeric(18, 2),
    status text collate "C"
) on commit drop;

\set copy '\\copy delivered from ' :'csv' ' with (format csv, header true)'
:copy

delete from stg_orders where load_date = :'load_date';

insert into stg_orders (
    load_date, id, uniq_id, date_time, city_id, city_name, customer_id, first_name, last_name, item_id, item_name,
    quantity, payment_amount, status
)
select
    :'load_date', id, uniq_id, date_time, city_id, city_name, customer_id, first_name, last_name, item_id, item_name,
    quantity, payment_amount, status
from delivered
inner join (
    select uniq_id, status, max(id) as id
    from delivered
    group by uniq_id, status
) as newest using (uniq_id, status, id);

insert into d_city
select city_id, min(city_name) from stg_orders where load_date = :'load_date' group by city_id
on conflict do nothing;

insert into d_item
select item_id, min(item_name) from stg_orders where load_date = :'load_date' group by item_id
on conflict do nothing;

insert into d_customer
select distinct on (customer_id) customer_id, first_name, last_name, city_id
from stg_orders
where customer_id in (select customer_id from stg_orders where load_date = :'load_date')
order by customer_id, date_time desc, load_date desc, id desc
on conflict (customer_id) do update set
    first_name = excluded.first_name,
    last_name = excluded.last_name,
    city_id = excluded.city_id;

insert into d_calendar
select distinct
    to_char(date_time, 'YYYYMMDD')::integer, date_time::date, extract(week from date_time), extract(isoyear from date_time)
from stg_orders
where load_date = :'load_date'
on conflict do nothing;

delete from f_sales as fact
where load_date = :'load_date'
    and not exists (
        select from stg_orders as staged
        where staged.load_date = :'load_date'
            and staged.uniq_id = fact.uniq_id
            and staged.status = fact.status
    );

insert into f_sales as fact
select
    uniq_id,
    status,
    to_char(date_time, 'YYYYMMDD')::integer,
    item_id,
    customer_id,
    city_id,
    quantity,
    case status when 'refunded' then -abs(payment_amount) else payment_amount end,
    load_date
from stg_orders
where load_date = :'load_date'
on conflict (uniq_id, status) do update set
    date_id = excluded.date_id,
    item_id = excluded.item_id,
    customer_id = excluded.customer_id,
    city_id = excluded.city_id,
    quantity = excluded.quantity,
    payment_amount = excluded.payment_amount,
    load_date = excluded.load_date
where fact.load_date <= excluded.load_date;

commit;
