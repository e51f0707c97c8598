with sales as (
    select
        order_date,
        currency,
        count(*) as orders,
        sum(units) as units,
        sum(gross_amount) as gross_sales,
        sum(discount_amount) as discounts,
        sum(tax_amount) as tax,
        sum(shipping_amount) as shipping
    from {{ ref("int_shopify__orders") }}
    where is_sale
    group by order_date, currency
),

refunds as (
    select
        refunds.refund_date,
        orders.currency,
        sum(refunds.refund_amount) as refunds
    from {{ ref("int_shopify__refunds") }} as refunds
    inner join {{ ref("int_shopify__orders") }} as orders on refunds.order_id = orders.order_id
    where orders.is_sale
    group by refunds.refund_date, orders.currency
),

{# A day with refunds only has a row too. #}
days as (
    select
        coalesce(sales.order_date, refunds.refund_date) as sales_date,
        coalesce(sales.currency, refunds.currency) as currency,
        coalesce(sales.orders, 0) as orders,
        coalesce(sales.units, 0) as units,
        cast(coalesce(sales.gross_sales, 0) as decimal(18, 2)) as gross_sales,
        cast(coalesce(sales.discounts, 0) as decimal(18, 2)) as discounts,
        cast(coalesce(sales.tax, 0) as decimal(18, 2)) as tax,
        cast(coalesce(sales.shipping, 0) as decimal(18, 2)) as shipping,
        cast(coalesce(refunds.refunds, 0) as decimal(18, 2)) as refunds
    from sales
    full outer join refunds on sales.order_date = refunds.refund_date and sales.currency = refunds.currency
)

select
    sales_date,
    currency,
    orders,
    units,
    gross_sales,
    discounts,
    tax,
    shipping,
    refunds,
    cast(gross_sales - discounts - refunds as decimal(18, 2)) as net_sales,
    cast((gross_sales - discounts) / nullif(orders, 0) as decimal(18, 2)) as average_order_value
from days
