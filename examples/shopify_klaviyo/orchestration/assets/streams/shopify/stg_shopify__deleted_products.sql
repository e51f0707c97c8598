select
    id as product_id,
    deleted_at,
    _airbyte_extracted_at
from {{ source("shopify", "deleted_products") }}
