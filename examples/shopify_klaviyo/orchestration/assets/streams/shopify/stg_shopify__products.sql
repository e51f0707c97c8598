select
    id as product_id,
    title,
    product_type,
    vendor,
    status,
    total_variants as variant_count,
    cast(json_extract_scalar(price_range_v2, '$.min_variant_price.amount') as decimal(18, 2)) as min_price,
    cast(json_extract_scalar(price_range_v2, '$.max_variant_price.amount') as decimal(18, 2)) as max_price,
    created_at,
    updated_at,
    _airbyte_extracted_at
from {{ source("shopify", "products") }}
