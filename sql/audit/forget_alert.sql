-- The message could not be sent. $1 workflow_id, $2 run_id, $3 kind of message
delete from staging.alert
where workflow_id = $1
    and run_id = $2
    and kind = $3;
