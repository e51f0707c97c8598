{{ config(unique_key="customer_id", merge_cursor="updated_at") }}

with customers as (
    {{ lakekit.dedupe(
        ref("stg_shopify__customers"),
        key="customer_id",
        order_by="updated_at desc, _airbyte_extracted_at desc",
        where=lakekit.is_new()
    ) }}
)

select
    customer_id,
    {{ clean_email("email") }} as email,
    first_name,
    last_name,
    country_code,
    coalesce(email_marketing_state = 'subscribed', false) as accepts_marketing,
    created_at,
    updated_at,
    _airbyte_extracted_at
from customers
