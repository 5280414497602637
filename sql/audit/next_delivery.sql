-- The number of the download that begins now.
select nextval('staging.delivery_number') as delivery;
