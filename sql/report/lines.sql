-- The sales of a range by city or by item: those with the highest revenue, and all others in one last row, whose name is
-- null. Names are cut here, since a field of a file may be a mebibyte long.
-- $1 first date, $2 last date, both included, $3 how many stand alone, $4 letters of a name, $5 'city' or 'item'
with sales as (
    select
        case $5::text when 'city' then city_id else item_id end as id,
        count(*) filter (where status = 'shipped') as orders,
        count(*) filter (where status = 'refunded') as refunds,
        sum(payment_amount) as revenue
    from mart.f_sales
    where date_id between to_char($1::date, 'YYYYMMDD')::integer and to_char($2::date, 'YYYYMMDD')::integer
    group by 1
),

ranked as (
    select *, least(row_number() over (order by revenue desc, id), $3::bigint + 1) as place
    from sales
),

lines as (
    select
        place,
        case when place <= $3::bigint then min(id) end as id,
        count(*) as members,
        sum(orders) as orders,
        sum(refunds) as refunds,
        sum(revenue) as revenue
    from ranked
    group by place
),

named as (
    select 'city' as kind, city_id as id, city_name as name from mart.d_city
    union all
    select 'item', item_id, item_name from mart.d_item
)

select
    case
        when length(named.name) > $4::integer then left(named.name, $4::integer) || '…'
        when line.id is not null then coalesce(named.name, 'id ' || line.id)
    end as name,
    line.members::float8 as members,
    line.orders::float8 as orders,
    line.refunds::float8 as refunds,
    line.revenue
from lines as line
left join named
    on named.kind = $5::text
        and named.id = line.id
order by line.place;
