select load_date, file, rows_kept
from staging.file_load
