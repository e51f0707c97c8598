select sales_date, currency
from {{ ref("fct_daily_sales") }}
group by sales_date, currency
having count(*) > 1
