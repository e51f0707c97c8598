with attributed as (select sum(shop_revenue) as revenue, count(*) as orders from {{ ref("fct_email_attribution") }}),

sales as (
    select sum(shop_gross_amount - shop_discount_amount) as revenue, count(*) as orders
    from {{ ref("int_shopify__orders") }}
    where is_sale
)

select *
from attributed
cross join sales
where coalesce(attributed.revenue, 0) <> coalesce(sales.revenue, 0)
    or attributed.orders <> sales.orders
