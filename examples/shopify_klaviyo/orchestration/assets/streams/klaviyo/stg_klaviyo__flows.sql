select
    id as flow_id,
    json_extract_scalar(attributes, '$.name') as name,
    json_extract_scalar(attributes, '$.status') as status,
    cast(from_iso8601_timestamp(json_extract_scalar(attributes, '$.created')) as timestamp(6) with time zone) as created_at,
    updated as updated_at,
    _airbyte_extracted_at
from {{ source("klaviyo", "flows") }}
