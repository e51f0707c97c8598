with emails as (
    select
        {{ shop_date("event_at") }} as engagement_date,
        case when campaign_id is null then 'flow' else 'campaign' end as channel,
        coalesce(campaign_id, flow_id) as mailing_id,
        metric
    from {{ ref("int_klaviyo__events") }}
    where metric in ('Received Email', 'Opened Email', 'Clicked Email')
        and coalesce(campaign_id, flow_id) is not null
),

mailings as (
    select
        'campaign' as channel,
        campaign_id as mailing_id,
        name
    from {{ ref("int_klaviyo__campaigns") }}
    union all
    select
        'flow' as channel,
        flow_id as mailing_id,
        name
    from {{ ref("int_klaviyo__flows") }}
)

select
    emails.engagement_date,
    emails.channel,
    emails.mailing_id,
    mailings.name as mailing_name,
    sum(case when emails.metric = 'Received Email' then 1 else 0 end) as received,
    sum(case when emails.metric = 'Opened Email' then 1 else 0 end) as opened,
    sum(case when emails.metric = 'Clicked Email' then 1 else 0 end) as clicked
from emails
left join mailings on emails.channel = mailings.channel and emails.mailing_id = mailings.mailing_id
group by
    emails.engagement_date,
    emails.channel,
    emails.mailing_id,
    mailings.name
