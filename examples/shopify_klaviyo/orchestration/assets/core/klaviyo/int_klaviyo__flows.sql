{{ config(unique_key="flow_id", merge_cursor="updated_at") }}

with flows as (
    {{ lakekit.dedupe(
        ref("stg_klaviyo__flows"),
        key="flow_id",
        order_by="updated_at desc, _airbyte_extracted_at desc",
        where=lakekit.is_new()
    ) }}
)

select
    flow_id,
    name,
    status,
    created_at,
    updated_at,
    _airbyte_extracted_at
from flows
