-- The rows that were rejected when the days of a range were loaded, by reason: file, column and the rule that was
-- broken. The most frequent reasons, and all others in one last row, whose file is null. What stands in the rows is
-- not shown: it can be personal. $1 first date, $2 last date, both included, $3 how many reasons stand alone
with reasons as (
    select file, column_name, rule, count(*) as rejected
    from staging.rejected_row
    where load_date between $1::date and $2::date
    group by file, column_name, rule
),

ranked as (
    select
        *,
        least(
            row_number() over (order by rejected desc, file, column_name nulls first, rule),
            $3::bigint + 1
        ) as place
    from reasons
)

select
    case when place <= $3::bigint then min(file) end as file,
    case when place <= $3::bigint then min(column_name) end as column_name,
    case when place <= $3::bigint then min(rule) end as rule,
    count(*)::float8 as members,
    sum(rejected)::float8 as rows
from ranked
group by place
order by place;
