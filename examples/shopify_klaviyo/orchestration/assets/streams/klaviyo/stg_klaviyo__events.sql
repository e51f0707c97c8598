select
    id as event_id,
    json_extract_scalar(relationships, '$.profile.data.id') as profile_id,
    json_extract_scalar(relationships, '$.metric.data.id') as metric_id,
    datetime as event_at,
    json_extract_scalar(attributes, '$.event_properties["$message"]') as message_id,
    json_extract_scalar(attributes, '$.event_properties["$flow"]') as flow_id,
    json_extract_scalar(attributes, '$.event_properties["$event_id"]') as foreign_event_id,
    _airbyte_extracted_at
from {{ source("klaviyo", "events") }}
