with days as (
    select sum(received + opened + clicked) as events
    from {{ ref("fct_email_engagement") }}
),

emails as (
    select count(*) as events
    from {{ ref("int_klaviyo__events") }}
    where metric in ('Received Email', 'Opened Email', 'Clicked Email')
        and (campaign_id is not null or flow_id is not null)
)

select *
from days
cross join emails
where coalesce(days.events, 0) <> emails.events
