{{ config(unique_key="campaign_id", merge_cursor="updated_at") }}

with campaigns as (
    {{ lakekit.dedupe(
        ref("stg_klaviyo__campaigns"),
        key="campaign_id",
        order_by="updated_at desc, _airbyte_extracted_at desc",
        where=lakekit.is_new()
    ) }}
)

select
    campaign_id,
    name,
    status,
    created_at,
    updated_at,
    _airbyte_extracted_at
from campaigns
