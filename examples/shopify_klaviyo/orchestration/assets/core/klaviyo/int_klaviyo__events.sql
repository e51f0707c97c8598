{{ config(unique_key="event_id", merge_cursor="event_at") }}

with events as (
    {{ lakekit.dedupe(
        ref("stg_klaviyo__events"),
        key="event_id",
        order_by="event_at desc, _airbyte_extracted_at desc",
        where=lakekit.is_new()
    ) }}
),

named as (
    select
        *,
        case metric_id
            {%- for id, name in var("klaviyo_metrics").items() %}
            when '{{ id }}' then '{{ name | replace("'", "''") }}'
            {%- endfor %}
        end as metric
    from events
)

select
    event_id,
    profile_id,
    metric_id,
    metric,
    event_at,
    {# An e-mail of a flow names the flow's own message there. #}
    case when flow_id is null then message_id end as campaign_id,
    flow_id,
    case when metric = 'Placed Order' then cast(foreign_event_id as bigint) end as order_id,
    _airbyte_extracted_at
from named
