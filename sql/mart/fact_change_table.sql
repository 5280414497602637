-- For the transaction that changes facts: what `fact_change.sql` finds, in the columns of the mart.
-- facts: -1 for a fact as it stands and will no longer, 1 for one as it will stand; a changed fact has both.
create temporary table fact_change on commit drop as
select
    1 as facts,
    fact.*
from mart.f_sales as fact
with no data;
