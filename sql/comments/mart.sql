-- What the mart means, for whoever opens it in psql or a BI tool. `migrate` writes what differs; docs/data-dictionary.md is
-- made of it. One line a text, so that it can be found and compared.

comment on schema mart is
    'For analysts: facts, dimensions and weekly retention, all derived from the schema staging.';

comment on table mart.f_sales is
    'Sales: one row per order and status, as its newest delivery has it. An order that was shipped and then refunded has two rows.';
comment on column mart.f_sales.uniq_id is
    'Id of the order in the shop. The shipped and the refunded row of one order share it; key together with status.';
comment on column mart.f_sales.status is
    'shipped or refunded. Files without a status column, as they were once, hold shipped orders only.';
comment on column mart.f_sales.date_id is
    'Date of the row in the file (yyyymmdd), not the date that it was delivered for: of the order, or of the refund.';
comment on column mart.f_sales.item_id is 'What was sold: mart.d_item.';
comment on column mart.f_sales.customer_id is 'Who bought it: mart.d_customer.';
comment on column mart.f_sales.city_id is
    'Where this order was made: mart.d_city. The city that the customer has now is in mart.d_customer.';
comment on column mart.f_sales.quantity is 'Pieces, as delivered: unlike payment_amount, a refund does not make them negative.';
comment on column mart.f_sales.payment_amount is
    'Amount of the whole row in the currency of the shop, exact to the cent. Refunds are negative, so that a sum is net of them.';
comment on column mart.f_sales.load_date is 'Which delivery the row comes from: the date that it was delivered for.';
comment on column mart.f_sales.is_history is 'true: the row comes from the full report; any increment that holds the order replaces it.';

comment on table mart.d_calendar is 'Calendar: one row per date that a row of mart.f_sales has, and no other.';
comment on column mart.d_calendar.date_id is 'The date as a number, yyyymmdd.';
comment on column mart.d_calendar.date_actual is 'The date.';
comment on column mart.d_calendar.day_of_week is 'Day of the week, 1 (Monday) to 7 (Sunday).';
comment on column mart.d_calendar.day_of_month is 'Day of the month, 1 to 31.';
comment on column mart.d_calendar.week_of_year is
    'ISO week, 1 to 53. It belongs to iso_year, which around New Year is not year_actual.';
comment on column mart.d_calendar.iso_year is 'Year that the ISO week belongs to.';
comment on column mart.d_calendar.week_start is 'Monday of the week.';
comment on column mart.d_calendar.month_actual is 'Month, 1 to 12.';
comment on column mart.d_calendar.quarter_actual is 'Quarter, 1 to 4.';
comment on column mart.d_calendar.year_actual is 'Year of the date.';
comment on column mart.d_calendar.period_id is 'The week by its number: ISO year × 100 + ISO week, e.g. 202408. Weeks of different years never merge.';

comment on table mart.d_city is 'Cities: every one that an order has ever named. Rows are only added.';
comment on column mart.d_city.city_id is 'Id of the city in the shop.';
comment on column mart.d_city.city_name is 'Name as it was loaded first; a later spelling does not change it.';

comment on table mart.d_item is 'Items: every one that an order has ever named. Rows are only added.';
comment on column mart.d_item.item_id is 'Id of the item in the shop.';
comment on column mart.d_item.item_name is 'Name as it was loaded first; a later spelling does not change it.';

comment on table mart.d_customer is
    'Customers, each as of the last order: the greatest (date_time, load_date, id) of all orders delivered, of any status. Who has none left stays.';
comment on column mart.d_customer.customer_id is 'Id of the customer in the shop.';
comment on column mart.d_customer.first_name is 'First name in the last order. Personal; null when none was given or the customer is forgotten.';
comment on column mart.d_customer.last_name is 'Last name in the last order. Personal; null when none was given or the customer is forgotten.';
comment on column mart.d_customer.city_id is 'City of the last order: mart.d_city.';
comment on column mart.d_customer.last_order_at is 'Time of the last order, as in the file, without a time zone.';
comment on column mart.d_customer.last_order_id is 'Its id in the file; null when it has none.';
comment on column mart.d_customer.load_date is 'Which delivery the last order comes from: the date that it was delivered for.';
comment on column mart.d_customer.is_history is 'true: the last order comes from the full report.';

comment on view mart.f_customer_retention is
    'Weekly retention: one row per ISO week with sales. A customer with orders and a refund in the week is in two categories.';
comment on column mart.f_customer_retention.period_name is 'Always weekly.';
comment on column mart.f_customer_retention.period_id is 'ISO year × 100 + ISO week, e.g. 202408.';
comment on column mart.f_customer_retention.period_start is 'Monday of the week.';
comment on column mart.f_customer_retention.new_customers_count is 'Customers with exactly one shipped order in the week.';
comment on column mart.f_customer_retention.returning_customers_count is 'Customers with more than one shipped order in the week.';
comment on column mart.f_customer_retention.refunded_customers_count is 'Customers with at least one refunded row in the week.';
comment on column mart.f_customer_retention.new_customers_revenue is
    'Sum of payment_amount, refunds negative, over all rows in the week of customers with exactly one shipped order in it.';
comment on column mart.f_customer_retention.returning_customers_revenue is
    'Sum of payment_amount, refunds negative, over all rows in the week of customers with more than one shipped order in it.';
comment on column mart.f_customer_retention.refunded_customers_revenue is
    'Sum of payment_amount, refunds negative, over all rows in the week of customers with at least one refunded row in it.';
comment on column mart.f_customer_retention.new_customers_refunded is
    'Refunded rows in the week of customers with exactly one shipped order in it.';
comment on column mart.f_customer_retention.returning_customers_refunded is
    'Refunded rows in the week of customers with more than one shipped order in it.';
comment on column mart.f_customer_retention.refunded_customers_refunded is
    'Refunded rows in the week of customers with at least one of them, which is all refunded rows of the week.';

comment on view mart.f_customer_retention_by_item is
    'Weekly retention by item: one row per ISO week and item. The whole week''s orders decide the category; sums and counts are of the item''s rows.';
comment on column mart.f_customer_retention_by_item.period_name is 'Always weekly.';
comment on column mart.f_customer_retention_by_item.period_id is 'ISO year × 100 + ISO week, e.g. 202408.';
comment on column mart.f_customer_retention_by_item.period_start is 'Monday of the week.';
comment on column mart.f_customer_retention_by_item.item_id is 'The item: mart.d_item.';
comment on column mart.f_customer_retention_by_item.new_customers_count is
    'Customers with a row of the item in the week and exactly one shipped order, of any item, in it.';
comment on column mart.f_customer_retention_by_item.returning_customers_count is
    'Customers with a row of the item in the week and more than one shipped order, of any item, in it.';
comment on column mart.f_customer_retention_by_item.refunded_customers_count is
    'Customers with a row of the item in the week and at least one refunded row, of any item, in it.';
comment on column mart.f_customer_retention_by_item.new_customers_revenue is
    'Sum of payment_amount, refunds negative, over the item''s rows in the week of customers with exactly one shipped order in it.';
comment on column mart.f_customer_retention_by_item.returning_customers_revenue is
    'Sum of payment_amount, refunds negative, over the item''s rows in the week of customers with more than one shipped order in it.';
comment on column mart.f_customer_retention_by_item.refunded_customers_revenue is
    'Sum of payment_amount, refunds negative, over the item''s rows in the week of customers with at least one refunded row in it.';
comment on column mart.f_customer_retention_by_item.new_customers_refunded is
    'Refunded rows of the item in the week of customers with exactly one shipped order in it.';
comment on column mart.f_customer_retention_by_item.returning_customers_refunded is
    'Refunded rows of the item in the week of customers with more than one shipped order in it.';
comment on column mart.f_customer_retention_by_item.refunded_customers_refunded is
    'Refunded rows of the item in the week of customers with at least one refunded row in it, which is all of the item''s.';

comment on function mart.has_facts(integer) is 'Whether mart.f_sales has a row of a date (yyyymmdd).';
comment on function mart.has_likely_facts(integer) is
    'Whether mart.f_sales has a row of a date (yyyymmdd) that its delivery can be about: not of a later day, nor of more than 92 days before.';
