with cohorts as (select sum(shop_revenue) as revenue, sum(orders) as orders from {{ ref("fct_customer_cohorts") }}),

sales as (
    select sum(shop_gross_amount - shop_discount_amount) as revenue, count(*) as orders
    from {{ ref("int_shopify__orders") }}
    where is_sale and customer_id is not null
)

select *
from cohorts
cross join sales
where coalesce(cohorts.revenue, 0) <> coalesce(sales.revenue, 0)
    or coalesce(cohorts.orders, 0) <> sales.orders
