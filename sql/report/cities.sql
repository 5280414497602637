-- The sales of a range by city: the cities with the highest revenue, and all others in one last row, whose name is null.
-- Names are cut here, since a field of a file may be a mebibyte long, and are read of the shown cities alone.
-- $1 first date, $2 last date, both included, $3 how many cities stand alone, $4 letters of a name
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
),

lines as (
    select
        place,
        case when place <= $3::bigint then min(city_id) end as city_id,
        count(*) as members,
        sum(orders) as orders,
        sum(refunds) as refunds,
        sum(revenue) as revenue
    from ranked
    group by place
)

select
    case when line.city_id is not null then coalesce(left(city.city_name, $4::integer), 'id ' || line.city_id) end as name,
    line.members,
    line.orders,
    line.refunds,
    line.revenue
from lines as line
left join mart.d_city as city using (city_id)
order by line.place;
