select
    id as refund_id,
    order_id,
    created_at as refunded_at,
    refund_line_items,
    _airbyte_extracted_at
from {{ source("shopify", "order_refunds") }}
