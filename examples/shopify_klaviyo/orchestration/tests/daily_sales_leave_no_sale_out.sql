-- by currency: what the days add up to is what the orders and their refunds add up to
with days as (
    select
        currency,
        sum(orders) as orders,
        sum(units) as units,
        sum(gross_sales) as gross,
        sum(discounts) as discounts,
        sum(tax) as tax,
        sum(shipping) as shipping,
        sum(refunds) as refunds,
        sum(net_sales) as net
    from {{ ref("fct_daily_sales") }}
    group by currency
),

refunds as (
    select order_id, sum(refund_amount) as refunds
    from {{ ref("int_shopify__refunds") }}
    group by order_id
),

sales as (
    select
        orders.currency,
        count(*) as orders,
        sum(orders.units) as units,
        sum(orders.gross_amount) as gross,
        sum(orders.discount_amount) as discounts,
        sum(orders.tax_amount) as tax,
        sum(orders.shipping_amount) as shipping,
        sum(coalesce(refunds.refunds, 0)) as refunds
    from {{ ref("int_shopify__orders") }} as orders
    left join refunds on orders.order_id = refunds.order_id
    where orders.is_sale
    group by orders.currency
)

select coalesce(days.currency, sales.currency) as currency
from days
full outer join sales on days.currency = sales.currency
where coalesce(days.orders, 0) <> coalesce(sales.orders, 0)
    or coalesce(days.units, 0) <> coalesce(sales.units, 0)
    or coalesce(days.gross, 0) <> coalesce(sales.gross, 0)
    or coalesce(days.discounts, 0) <> coalesce(sales.discounts, 0)
    or coalesce(days.tax, 0) <> coalesce(sales.tax, 0)
    or coalesce(days.shipping, 0) <> coalesce(sales.shipping, 0)
    or coalesce(days.refunds, 0) <> coalesce(sales.refunds, 0)
    or coalesce(days.net, 0) <> coalesce(sales.gross - sales.discounts - sales.refunds, 0)
