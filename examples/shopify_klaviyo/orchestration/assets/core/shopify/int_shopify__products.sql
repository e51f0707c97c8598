{{ config(unique_key="product_id", merge_cursor="updated_at") }}

{# A deletion comes in a stream of its own, with a watermark of its own, and leaves the product's record as it was. #}
with products as (
    select
        products.product_id,
        products.title,
        products.product_type,
        products.vendor,
        products.status,
        products.variant_count,
        products.min_price,
        products.max_price,
        products.created_at,
        products.updated_at,
        deleted.product_id is not null as is_deleted,
        products._airbyte_extracted_at,
        deleted._airbyte_extracted_at as deletion_extracted_at
    from {{ ref("stg_shopify__products") }} as products
    left join (
        select product_id, max(_airbyte_extracted_at) as _airbyte_extracted_at
        from {{ ref("stg_shopify__deleted_products") }}
        group by product_id
    ) as deleted on products.product_id = deleted.product_id
),

newest as (
    {{ lakekit.dedupe(
        "products",
        key="product_id",
        order_by="updated_at desc, _airbyte_extracted_at desc",
        where="(" ~ lakekit.is_new() ~ " or " ~ lakekit.is_new("deletion_extracted_at") ~ ")"
    ) }}
)

select
    product_id,
    title,
    product_type,
    vendor,
    status,
    variant_count,
    min_price,
    max_price,
    created_at,
    updated_at,
    is_deleted,
    _airbyte_extracted_at,
    deletion_extracted_at
from newest
