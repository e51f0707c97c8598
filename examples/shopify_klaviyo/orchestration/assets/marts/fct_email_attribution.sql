with orders as (
    select *
    from {{ ref("int_shopify__orders") }}
    where is_sale
),

touches as (
    select
        profiles.email,
        events.event_id,
        events.event_at,
        events.campaign_id,
        events.flow_id
    from {{ ref("int_klaviyo__events") }} as events
    inner join {{ ref("int_klaviyo__profiles") }} as profiles on events.profile_id = profiles.profile_id
    where events.metric in ('Opened Email', 'Clicked Email')
),

touched as (
    select
        orders.order_id,
        touches.event_id,
        touches.event_at,
        touches.campaign_id,
        touches.flow_id,
        row_number() over (
            partition by orders.order_id
            order by touches.event_at desc, touches.event_id desc
        ) as touch
    from orders
    inner join touches
        on orders.email = touches.email
        and touches.event_at > orders.created_at - interval '{{ var("attribution_window_days") }}' day
        and touches.event_at <= orders.created_at
)

select
    orders.order_id,
    orders.order_date,
    orders.currency,
    case
        when touched.campaign_id is not null then 'campaign'
        when touched.flow_id is not null then 'flow'
        else 'none'
    end as channel,
    touched.campaign_id,
    campaigns.name as campaign_name,
    touched.flow_id,
    flows.name as flow_name,
    touched.event_id,
    touched.event_at as touched_at,
    cast(orders.gross_amount - orders.discount_amount as decimal(18, 2)) as revenue,
    cast(orders.shop_gross_amount - orders.shop_discount_amount as decimal(18, 2)) as shop_revenue
from orders
left join touched on orders.order_id = touched.order_id and touched.touch = 1
left join {{ ref("int_klaviyo__campaigns") }} as campaigns on touched.campaign_id = campaigns.campaign_id
left join {{ ref("int_klaviyo__flows") }} as flows on touched.flow_id = flows.flow_id
