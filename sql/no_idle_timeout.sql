-- One of two sessions of a snapshot waits for the other one, however long that works. Until the transaction ends.
select set_config('idle_in_transaction_session_timeout', '0', true);
