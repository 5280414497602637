-- Takes the text from those rejected rows of a download that may hold the name of a forgotten customer.
-- $1 delivery_number, $2 the names that forgotten customers have in the good rows, $3 the columns behind the customer's id
update staging.incoming_rejected set raw = ''
where delivery_number = $1
    and exists (
        select from staging.forgotten_customer as forgotten
        where staging.may_hold_name(raw, column_name, $3, forgotten.customer_id, $2)
    );
