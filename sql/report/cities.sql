-- The sales of a range by city: the cities with the highest revenue, and all others in one last row, whose name is null.
-- $1 first date, $2 last date, both included, $3 how many cities stand alone
with sales as (
    select
        city_id,
        count(*) filter (where status = 'shipped') as orders,
        count(*) filter (where status = 'refunded') as refunds,
        sum(payment_amount) as revenue
    from mart.f_sales
    where date_id between to_char($1::date, 'YYYYMMDD')::integer and to_char($2::date, 'YYYYMMDD')::integer
    group by city_id
),

ranked as (
    select *, least(row_number() over (order by revenue desc, city_id), $3::bigint + 1) as place
    from sales
)

select
    case when place <= $3::bigint then coalesce(min(city.city_name), 'id ' || min(city_id)) end as name,
    count(*) as members,
    sum(orders) as orders,
    sum(refunds) as refunds,
    sum(revenue) as revenue
from ranked
left join mart.d_city as city using (city_id)
group by place
order by place;
