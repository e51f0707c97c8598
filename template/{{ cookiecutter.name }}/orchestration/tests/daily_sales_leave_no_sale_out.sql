-- by currency: what the days add up to is what the orders add up to
with days as (
    select currency, sum(orders) as orders, sum(gross_sales) as gross, sum(discounts) as discounts, sum(tax) as tax
    from {{ ref("fct_daily_sales") }}
    group by currency
),

sales as (
    select
        currency,
        count(*) as orders,
        sum(gross_amount) as gross,
        sum(discount_amount) as discounts,
        sum(tax_amount) as tax
    from {{ ref("int_shopify__orders") }}
    where is_sale
    group by currency
)

select coalesce(days.currency, sales.currency) as currency
from days
full outer join sales on days.currency = sales.currency
where coalesce(days.orders, 0) <> coalesce(sales.orders, 0)
    or coalesce(days.gross, 0) <> coalesce(sales.gross, 0)
    or coalesce(days.discounts, 0) <> coalesce(sales.discounts, 0)
    or coalesce(days.tax, 0) <> coalesce(sales.tax, 0)
