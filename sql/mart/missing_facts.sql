-- Brings back facts that the mart lacks although a newer delivery than this one holds the order, which is so after an
-- edit by hand: each as its newest delivery has it (contract, ruling 43). Returns the dates that facts came to.
--
-- Where no newer delivery is staged, as for a new day, nothing is read. For a late day the keys of the newer deliveries
-- are read, once.
-- $1 load_date, $2 is_history

-- Dates in a subselect are planned as average ones, see d_customer.sql.
with delivered as materialized (
    select uniq_id, status
    from staging.user_order_log
    where load_date = (select $1::date)
        and is_history = (select $2::boolean)
        and exists (select from staging.file_load where load_date > $1 or $2)
),

lacking as materialized (
    select uniq_id, status from delivered
    except
    select uniq_id, status from delivered inner join mart.f_sales using (uniq_id, status)
),

-- The condition in words that the planner can estimate, not as a comparison of rows: it would expect one row of all newer
-- deliveries, and look through everything that is lacking for each.
newest as materialized (
    select distinct on (uniq_id, status) uniq_id, status, load_date, is_history
    from lacking
    inner join staging.user_order_log as orders using (uniq_id, status)
    where (not is_history and ($2 or load_date > $1))
        or (is_history and $2 and load_date > $1)
    order by uniq_id, status, is_history, load_date desc
),

come as (
    insert into mart.f_sales
    select orders.*
    from newest
    inner join staging.order_fact as orders using (load_date, is_history, uniq_id, status)
    returning date_id
)

select array(select distinct date_id from come) as gained;
