select
    id as profile_id,
    json_extract_scalar(attributes, '$.email') as email,
    json_extract_scalar(attributes, '$.first_name') as first_name,
    json_extract_scalar(attributes, '$.last_name') as last_name,
    json_extract_scalar(attributes, '$.location.country') as country,
    cast(from_iso8601_timestamp(json_extract_scalar(attributes, '$.created')) as timestamp(6) with time zone) as created_at,
    updated as updated_at,
    _airbyte_extracted_at
from {{ source("klaviyo", "profiles") }}
