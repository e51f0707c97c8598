with sales as (
    select *
    from {{ ref("int_shopify__orders") }}
    where is_sale
),

bought as (
    select
        customer_id,
        count(*) as orders,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        sum(shop_gross_amount - shop_discount_amount) as shop_revenue
    from sales
    where customer_id is not null
    group by customer_id
),

refunded as (
    select
        sales.customer_id,
        sum(refunds.shop_refund_amount) as shop_refund_amount
    from {{ ref("int_shopify__refunds") }} as refunds
    inner join sales on refunds.order_id = sales.order_id
    group by sales.customer_id
),

buyers as (
    select
        bought.customer_id,
        bought.orders,
        bought.first_order_date,
        bought.last_order_date,
        cast(bought.shop_revenue - coalesce(refunded.shop_refund_amount, 0) as decimal(18, 2)) as lifetime_value,
        date_diff('day', bought.last_order_date, (select max(order_date) from sales)) as recency_days
    from bought
    left join refunded on bought.customer_id = refunded.customer_id
    inner join {{ ref("int_shopify__customers") }} as customers on bought.customer_id = customers.customer_id
),

scored as (
    select
        *,
        ntile(5) over (order by last_order_date, customer_id) as recency_score,
        ntile(5) over (order by orders, customer_id) as frequency_score,
        ntile(5) over (order by lifetime_value, customer_id) as monetary_score
    from buyers
)

select
    customers.customer_id,
    customers.email,
    customers.first_name,
    customers.last_name,
    customers.country_code,
    customers.accepts_marketing,
    customers.created_at,
    customers.updated_at,
    coalesce(scored.orders, 0) as orders,
    scored.first_order_date,
    scored.last_order_date,
    coalesce(scored.lifetime_value, cast(0 as decimal(18, 2))) as lifetime_value,
    scored.recency_days,
    scored.recency_score,
    scored.frequency_score,
    scored.monetary_score,
    case
        when scored.customer_id is null then 'prospect'
        when scored.recency_score >= 4 and scored.frequency_score >= 4 then 'champion'
        when scored.frequency_score >= 4 then 'loyal'
        when scored.recency_score >= 4 then 'recent'
        when scored.recency_score <= 2 and scored.frequency_score <= 2 then 'lost'
        else 'regular'
    end as segment
from {{ ref("int_shopify__customers") }} as customers
left join scored on customers.customer_id = scored.customer_id
