-- Takes the text from those rows of the session's table `rejected` that may hold the name of a forgotten customer.
-- $1 the names that forgotten customers have in the good rows of the file
update rejected set raw = ''
where exists (
    select from staging.forgotten_customer as forgotten
    where staging.may_hold_name(rejected.raw, rejected.column_name, forgotten.customer_id, $1)
);
