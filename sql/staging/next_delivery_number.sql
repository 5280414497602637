-- The number of the download, or of the question to the report API, that begins now.
select nextval('staging.delivery_number')::float8 as delivery_number;
