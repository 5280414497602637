-- What the mart means, for whoever opens it in psql or a BI tool. `migrate` writes what differs; docs/data-dictionary.md is
-- made of it. One line a text, so that it can be found and compared. Columns that are not here: columns.sql.
values
    ('mart', 'For analysts: facts, dimensions and weekly retention, all derived from the schema staging.'),

    ('mart.f_sales', 'Sales: one row per order and status, as its newest delivery has it. An order that was shipped and then refunded has two rows.'),
    ('mart.f_sales.date_id', 'Date of the row in the file (yyyymmdd), not the date that it was delivered for: of the order, or of the refund.'),
    ('mart.f_sales.item_id', 'What was sold: mart.d_item.'),
    ('mart.f_sales.customer_id', 'Who bought it: mart.d_customer.'),
    ('mart.f_sales.city_id', 'Where this order was made: mart.d_city. The city that the customer has now is in mart.d_customer.'),
    ('mart.f_sales.quantity', 'Pieces, as delivered: unlike payment_amount, a refund does not make them negative.'),
    ('mart.f_sales.payment_amount',
        'Amount of the whole row in the currency of the shop, exact to the cent. Refunds are negative, so that a sum is net of them.'),
    ('mart.f_sales.load_date', 'Which delivery the row comes from: the date that it was delivered for.'),
    ('mart.f_sales.is_history', 'true: the row comes from the full report; any increment that holds the order replaces it.'),

    ('mart.d_calendar', 'Calendar: one row per date that a row of mart.f_sales has, and no other.'),
    ('mart.d_calendar.date_id', 'The date as a number, yyyymmdd.'),
    ('mart.d_calendar.date_actual', 'The date.'),
    ('mart.d_calendar.day_of_week', 'Day of the week, 1 (Monday) to 7 (Sunday).'),
    ('mart.d_calendar.day_of_month', 'Day of the month, 1 to 31.'),
    ('mart.d_calendar.week_of_year', 'ISO week, 1 to 53. It belongs to iso_year, which around New Year is not year_actual.'),
    ('mart.d_calendar.iso_year', 'Year that the ISO week belongs to.'),
    ('mart.d_calendar.week_start', 'Monday of the week.'),
    ('mart.d_calendar.month_actual', 'Month, 1 to 12.'),
    ('mart.d_calendar.quarter_actual', 'Quarter, 1 to 4.'),
    ('mart.d_calendar.year_actual', 'Year of the date.'),

    ('mart.d_city', 'Cities: every one that an order has ever named. Rows are only added.'),
    ('mart.d_city.city_id', 'Id of the city in the shop.'),
    ('mart.d_city.city_name', 'Name as it was loaded first; a later spelling does not change it.'),

    ('mart.d_item', 'Items: every one that an order has ever named. Rows are only added.'),
    ('mart.d_item.item_id', 'Id of the item in the shop.'),
    ('mart.d_item.item_name', 'Name as it was loaded first; a later spelling does not change it.'),

    ('mart.d_customer',
        'Customers, each as of the last order: the greatest (date_time, load_date, id) of all orders delivered, of any status. Who has none left stays.'),
    ('mart.d_customer.city_id', 'City of the last order: mart.d_city.'),
    ('mart.d_customer.last_order_at', 'Time of the last order, as in the file, without a time zone.'),
    ('mart.d_customer.last_order_id', 'Its id in the file; null when it has none.'),
    ('mart.d_customer.load_date', 'Which delivery the last order comes from: the date that it was delivered for.'),
    ('mart.d_customer.is_history', 'true: the last order comes from the full report.'),

    ('mart.f_customer_retention', 'Weekly retention: one row per ISO week with sales. A customer with orders and a refund in the week is in two categories.'),

    ('mart.f_customer_retention_by_item',
        'Weekly retention by item: one row per ISO week and item. The whole week''s orders decide the category; sums and counts are of the item''s rows.'),
    ('mart.f_customer_retention_by_item.item_id', 'The item: mart.d_item.'),

    ('mart.has_facts', 'Whether mart.f_sales has a row of a date (yyyymmdd).'),
    ('mart.has_likely_facts',
        'Whether mart.f_sales has a row of a date (yyyymmdd) that its delivery can be about: not of a later day, nor of more than 92 days before.');
