-- Brings back facts that the mart lacks although a newer delivery than this one holds the order, which is so after an
-- edit by hand: each as its newest delivery has it (contract, ruling 43). Returns the dates that facts came to.
--
-- Where no newer delivery is staged, as for a new day, nothing is read. For a late day the keys of the newer deliveries
-- are, once.
-- $1 load_date, $2 is_history
with newer as materialized (
    select distinct load_date
    from staging.file_load
    where load_date > $1
        or $2
),

-- Dates in a subselect are planned as average ones, see d_customer.sql.
delivered as materialized (
    select uniq_id, status
    from staging.user_order_log
    where load_date = (select $1::date)
        and is_history = (select $2::boolean)
        and exists (select from newer)
),

lacking as materialized (
    select uniq_id, status from delivered
    except
    select uniq_id, status from delivered inner join mart.f_sales using (uniq_id, status)
),

newest as materialized (
    select distinct on (uniq_id, status) uniq_id, status, load_date, is_history
    from lacking
    cross join newer
    inner join staging.user_order_log as orders using (load_date, uniq_id, status)
    where ($2, load_date) > (is_history, $1)
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
