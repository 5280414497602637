-- Records which files of a date keep far fewer rows than usual, and which do not. $1 load_date, $2 files, $3 for each of them
-- the warning, or null
update staging.file_load as load
set volume_warning = found.warning
from unnest($2::text[], $3::text[]) as found (file, warning)
where load.load_date = $1
    and load.file = found.file
    and load.volume_warning is distinct from found.warning;
