select
    id as customer_id,
    email,
    first_name,
    last_name,
    json_extract_scalar(default_address, '$.country_code') as country_code,
    json_extract_scalar(email_marketing_consent, '$.state') as email_marketing_state,
    created_at,
    updated_at,
    _airbyte_extracted_at
from {{ source("shopify", "customers") }}
