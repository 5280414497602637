-- What staging means. `migrate` writes what differs; docs/data-dictionary.md is made of it. The tables incoming_… of the
-- feeds take the texts of their feeds: sql/incoming_comments.sql.

comment on schema staging is
    'Every delivery as it came, under the date that it was delivered for, and the records of loading. The mart is derived from it.';

comment on table staging.user_order_log is
    'Orders as delivered: one row per date, order and status. Of equal keys in a file the row with the highest id is kept, without ids the last one.';
comment on column staging.user_order_log.load_date is
    'Date that the file was delivered for, whatever dates stand in its rows. Of the full report: its start day.';
comment on column staging.user_order_log.is_history is 'true: from the full report, which is older than any increment, whatever their dates.';
comment on column staging.user_order_log.id is 'Number of the row in the shop''s log; of two with one key the higher is the newer. May be empty.';
comment on column staging.user_order_log.uniq_id is 'Id of the order in the shop; key together with status.';
comment on column staging.user_order_log.date_time is 'Time of the order or of its refund, as in the file, without a time zone.';
comment on column staging.user_order_log.city_id is 'Id of the city that the order was made in.';
comment on column staging.user_order_log.city_name is 'Name of that city.';
comment on column staging.user_order_log.customer_id is 'Id of the customer in the shop.';
comment on column staging.user_order_log.first_name is 'First name of the customer. Personal; null when none was given or the customer is forgotten.';
comment on column staging.user_order_log.last_name is 'Last name of the customer. Personal; null when none was given or the customer is forgotten.';
comment on column staging.user_order_log.item_id is 'Id of the item that was sold.';
comment on column staging.user_order_log.item_name is 'Name of that item.';
comment on column staging.user_order_log.quantity is 'Pieces, as delivered.';
comment on column staging.user_order_log.payment_amount is
    'Amount of the whole row in the currency of the shop, exact to the cent, with the sign of the file: see staging.order_fact.';
comment on column staging.user_order_log.status is 'shipped or refunded; shipped where the file has no such column.';

comment on table staging.user_activity_log is
    'Actions of customers as delivered: one row per date and action. Of equal keys in a file the row with the highest id is kept, without ids the last one.';
comment on column staging.user_activity_log.load_date is
    'Date that the file was delivered for, whatever dates stand in its rows. Of the full report: its start day.';
comment on column staging.user_activity_log.is_history is 'true: from the full report.';
comment on column staging.user_activity_log.id is 'Number of the row in the shop''s log; of two with one key the higher is the newer. May be empty.';
comment on column staging.user_activity_log.uniq_id is 'Id of the action in the shop; the key.';
comment on column staging.user_activity_log.date_time is 'Time of the action, as in the file, without a time zone.';
comment on column staging.user_activity_log.action_id is 'Kind of action, by the shop''s own numbers.';
comment on column staging.user_activity_log.customer_id is 'Id of the customer in the shop.';
comment on column staging.user_activity_log.quantity is 'Quantity of the action, as delivered.';

comment on table staging.customer_research is
    'Research as delivered: one row per date, date of the research, category and region. Of equal keys in a file the last row is kept.';
comment on column staging.customer_research.load_date is
    'Date that the file was delivered for, whatever dates stand in its rows. Of the full report: its start day.';
comment on column staging.customer_research.is_history is 'true: from the full report.';
comment on column staging.customer_research.date_id is 'Date that the figures are about, as in the file, without a time zone.';
comment on column staging.customer_research.category_id is 'Id of the category of items, by the research''s own numbers.';
comment on column staging.customer_research.geo_id is 'Id of the region, by the research''s own numbers.';
comment on column staging.customer_research.sales_qty is 'Sales in pieces.';
comment on column staging.customer_research.sales_amt is 'Sales in the currency of the shop, exact to the cent.';

comment on table staging.price_log is
    'Prices as delivered: one row per date and item. Of equal names in a file the last row is kept. The file has no header.';
comment on column staging.price_log.load_date is 'Date that the file was delivered for. Of the full report: its start day.';
comment on column staging.price_log.is_history is 'true: from the full report.';
comment on column staging.price_log.name is 'Name of the item; the file has no id of it.';
comment on column staging.price_log.price is 'Price of a piece in the currency of the shop, exact to the cent.';

comment on table staging.file_load is 'Loads of files: one row per date and file, the newest load, written in the transaction that staged it.';
comment on column staging.file_load.load_date is 'Date that the file was delivered for. Of the full report: its start day.';
comment on column staging.file_load.file is 'Name of the file without .csv: with _inc of an increment, without it of the full report.';
comment on column staging.file_load.delivery_number is 'Number of the download that is staged; the greater is the newer.';
comment on column staging.file_load.mart_delivery_number is
    'Of the orders: number of the download that the mart shows. Another one than delivery_number: the date is stale until it is loaded.';
comment on column staging.file_load.sha256 is 'SHA-256 of the file''s bytes, in hexadecimal digits: equal ones are the same file.';
comment on column staging.file_load.bytes is 'Size of the file in bytes.';
comment on column staging.file_load.rows_read is 'Rows of the file, without its header: kept, duplicate and rejected ones together.';
comment on column staging.file_load.rows_kept is 'Rows that are staged: one for each key.';
comment on column staging.file_load.rows_duplicate is 'Rows that were left out since another row with their key was kept.';
comment on column staging.file_load.rows_rejected is 'Rows that break a rule: staging.rejected_row, as long as it keeps them.';
comment on column staging.file_load.warnings is 'What is unusual about the file itself, in sentences; empty when nothing is.';
comment on column staging.file_load.workflow_id is 'Temporal workflow that staged it.';
comment on column staging.file_load.run_id is 'Run of that workflow.';
comment on column staging.file_load.attempt is 'Which try of the step it was, from 1.';
comment on column staging.file_load.started_at is 'When the step that staged it began.';
comment on column staging.file_load.finished_at is 'When it was staged.';
comment on column staging.file_load.volume_warning is
    'That the file keeps far fewer rows than the median of its last 7 loaded days (VOLUME_ALERT_SHARE); null when it does not.';
comment on column staging.file_load.newest_order_at is 'Of the orders: the latest date_time that mart.d_customer has been brought up to date with.';

comment on table staging.day_load is 'Outcomes: one row per date, the newest one. What status shows is derived from it, staging.file_load and the mart.';
comment on column staging.day_load.load_date is 'Date that was to be loaded. Of the full report: its start day.';
comment on column staging.day_load.is_history is 'true: about the full report, which has a row of its own beside the increment of its start day.';
comment on column staging.day_load.outcome is 'loaded, no_increment (the report API has none for this date) or failed.';
comment on column staging.day_load.error is 'Why it failed, in a sentence; null when it did not.';
comment on column staging.day_load.error_type is 'Type of that failure: docs/runbook.md says what to do; null when it did not fail.';
comment on column staging.day_load.revenue is
    'Of a loaded date: payments of the orders delivered for it, refunds negative, whatever dates they have. In the currency of the shop.';
comment on column staging.day_load.accepted_missing is 'Files that the date was loaded without, by OPTIONAL_FILES or because a person accepted it.';
comment on column staging.day_load.not_found is 'That the report API has no increment any more of what was loaded, in a sentence; null when it has not said so.';
comment on column staging.day_load.not_found_number is 'Number of that answer of the API: it is about files of lower numbers.';
comment on column staging.day_load.failed_deliveries is
    'Failures of newer deliveries, in sentences, while what was loaded before stays; empty when there is none.';
comment on column staging.day_load.number is 'Number of the question that the outcome answers; an older one never replaces a newer one.';
comment on column staging.day_load.workflow_id is 'Temporal workflow that the outcome is of.';
comment on column staging.day_load.run_id is 'Run of that workflow.';
comment on column staging.day_load.started_at is 'When that run began, waits for the report and for files included.';
comment on column staging.day_load.finished_at is 'When the outcome was recorded.';

comment on table staging.rejected_row is
    'Rows that break a rule, of the newest load of a date and file; kept for REJECTED_RETENTION, their number in staging.file_load for good.';
comment on column staging.rejected_row.load_date is 'Date that the file was delivered for. Of the full report: its start day.';
comment on column staging.rejected_row.file is 'Name of the file without .csv, as in staging.file_load.';
comment on column staging.rejected_row.line is 'Line of the file that the row begins in, from 1, the header included.';
comment on column staging.rejected_row.column_name is 'Column that breaks the rule; null when the row as a whole does.';
comment on column staging.rejected_row.rule is 'The rule: required, type, range, allowed, rounding, nul, fields or quote.';
comment on column staging.rejected_row.reason is 'The rule in a sentence, without any value of the row.';
comment on column staging.rejected_row.raw is
    'The row as it stands in the file, a NUL byte shown as U+2400. Can be personal; emptied when the customer is forgotten.';

comment on view staging.order_fact is 'Every staged order as the row of mart.f_sales that it would make; mart.f_sales holds the newest for each key.';
comment on column staging.order_fact.uniq_id is 'Id of the order in the shop.';
comment on column staging.order_fact.status is 'shipped or refunded.';
comment on column staging.order_fact.date_id is 'Date of date_time (yyyymmdd).';
comment on column staging.order_fact.item_id is 'Id of the item that was sold.';
comment on column staging.order_fact.customer_id is 'Id of the customer in the shop.';
comment on column staging.order_fact.city_id is 'Id of the city that the order was made in.';
comment on column staging.order_fact.quantity is 'Pieces, as delivered.';
comment on column staging.order_fact.payment_amount is
    'Amount in the currency of the shop, exact to the cent; of a refunded row minus its absolute amount, whatever sign the file has.';
comment on column staging.order_fact.load_date is 'Date that the file was delivered for. Of the full report: its start day.';
comment on column staging.order_fact.is_history is 'true: from the full report.';

comment on table staging.landed_file is
    'Files that are downloaded and checked, and wait to be staged: any worker can. Rows go when staged, superseded or left for a day.';
comment on column staging.landed_file.delivery_number is 'Number of the download.';
comment on column staging.landed_file.load_date is 'Date that the file was delivered for. Of the full report: its start day.';
comment on column staging.landed_file.file is 'Name of the file without .csv, as in staging.file_load.';
comment on column staging.landed_file.sha256 is 'SHA-256 of the file''s bytes, in hexadecimal digits.';
comment on column staging.landed_file.bytes is 'Size of the file in bytes.';
comment on column staging.landed_file.rows_read is 'Rows of the file, without its header.';
comment on column staging.landed_file.rows_rejected is 'Rows that break a rule: staging.incoming_rejected.';
comment on column staging.landed_file.warnings is 'What is unusual about the file itself, in sentences.';
comment on column staging.landed_file.landed_at is 'When its rows were written here.';

comment on table staging.incoming_rejected is 'Rejected rows of landed files that wait to be staged, into staging.rejected_row.';
comment on column staging.incoming_rejected.delivery_number is 'Number of the download: staging.landed_file.';
comment on column staging.incoming_rejected.line is 'Line of the file that the row begins in, from 1, the header included.';
comment on column staging.incoming_rejected.column_name is 'Column that breaks the rule; null when the row as a whole does.';
comment on column staging.incoming_rejected.rule is 'The rule, as in staging.rejected_row.';
comment on column staging.incoming_rejected.reason is 'The rule in a sentence, without any value of the row.';
comment on column staging.incoming_rejected.raw is 'The row as it stands in the file. Can be personal.';

comment on table staging.day_claim is 'Which workflow loads a date at the moment; it counts as long as that workflow is open in Temporal.';
comment on column staging.day_claim.claim is 'The date (yyyy-mm-dd), or history for the full report.';
comment on column staging.day_claim.workflow_id is 'Temporal workflow that holds the claim.';
comment on column staging.day_claim.run_id is 'Run of that workflow.';
comment on column staging.day_claim.files is 'Files that it loads; null: all that the date needs.';
comment on column staging.day_claim.claimed_at is 'When it was claimed.';

comment on table staging.backfill_day is 'What became of the days of a backfill; forgotten after 30 days, or when the same range is asked for again.';
comment on column staging.backfill_day.workflow_id is 'Temporal workflow of the backfill.';
comment on column staging.backfill_day.load_date is 'A date of its range.';
comment on column staging.backfill_day.outcome is 'loaded, no_increment or failed.';
comment on column staging.backfill_day.error is 'Why it failed, in a sentence; null when it did not.';
comment on column staging.backfill_day.recorded_at is 'When the outcome was recorded.';

comment on table staging.forgotten_customer is
    'Customers without a name, by client forget: whatever is loaded is cleared of their names. Also the audit of forgetting.';
comment on column staging.forgotten_customer.customer_id is 'Id of the customer in the shop.';
comment on column staging.forgotten_customer.forgotten_at is 'When it was asked for the first time.';
comment on column staging.forgotten_customer.forgotten_by is 'Database role that asked first.';
comment on column staging.forgotten_customer.staged_rows is 'Staged orders that were cleared of the name, over all times.';
comment on column staging.forgotten_customer.mart_rows is 'Rows of mart.d_customer that were cleared of the name, over all times.';
comment on column staging.forgotten_customer.rejected_rows is 'Rejected rows whose text was emptied, over all times.';

comment on table staging.landing is 'Landing directories of workers (LANDING_DIR), which only they can see, and when each was pruned.';
comment on column staging.landing.host is 'Host name of the worker.';
comment on column staging.landing.directory is 'Path of the directory there.';
comment on column staging.landing.pruned_at is 'When the newest pruning that is complete began.';
comment on column staging.landing.expected_by is 'When there should be another one if a worker is alive.';
comment on column staging.landing.files_removed is 'Files removed from it ever since.';

comment on table staging.schema_migration is 'Migrations that were applied to this database: sql/migrations. The greatest version is that of the schema.';
comment on column staging.schema_migration.version is 'Number of the migration.';
comment on column staging.schema_migration.name is 'Name of its file without .sql.';
comment on column staging.schema_migration.checksum is 'SHA-256 of its text as applied; a changed text is refused.';
comment on column staging.schema_migration.applied_at is 'When it was applied.';

comment on sequence staging.delivery_number is
    'Numbers every download at its start, and every question to the report API that decides an outcome: the greater is the newer.';

comment on function staging.day_state(date, date, text[], text) is
    'State of every date of a range (loaded, no_increment, missing, failed or stale), of the files that a date needs and the file of orders.';
comment on function staging.may_hold_name(text, text, text[], bigint, text[]) is
    'Whether the text of a rejected row may hold the name of a customer, by the column that was bad, the customer''s id and names.';
