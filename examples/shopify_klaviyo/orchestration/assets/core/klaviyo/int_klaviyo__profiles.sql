{{ config(unique_key="profile_id", merge_cursor="updated_at") }}

with profiles as (
    {{ lakekit.dedupe(
        ref("stg_klaviyo__profiles"),
        key="profile_id",
        order_by="updated_at desc, _airbyte_extracted_at desc",
        where=lakekit.is_new()
    ) }}
)

select
    profile_id,
    {{ clean_email("email") }} as email,
    first_name,
    last_name,
    country,
    created_at,
    updated_at,
    _airbyte_extracted_at
from profiles
