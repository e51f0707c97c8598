with orders as (
    select
        customer_id,
        date_trunc('month', order_date) as order_month,
        shop_gross_amount - shop_discount_amount as shop_revenue
    from {{ ref("int_shopify__orders") }}
    where is_sale and customer_id is not null
),

customers as (
    select
        customer_id,
        min(order_month) as cohort_month
    from orders
    group by customer_id
),

cohorts as (
    select
        cohort_month,
        count(*) as cohort_size
    from customers
    group by cohort_month
)

select
    customers.cohort_month,
    date_diff('month', customers.cohort_month, orders.order_month) as months_since_first,
    cohorts.cohort_size,
    count(distinct orders.customer_id) as customers,
    count(*) as orders,
    cast(sum(orders.shop_revenue) as decimal(18, 2)) as shop_revenue
from orders
inner join customers on orders.customer_id = customers.customer_id
inner join cohorts on customers.cohort_month = cohorts.cohort_month
group by
    customers.cohort_month,
    date_diff('month', customers.cohort_month, orders.order_month),
    cohorts.cohort_size
