{{ config(unique_key="order_id", merge_cursor="updated_at") }}

{# No order runs ahead of its lines: from the first on whose lines have not been built yet, orders wait. #}
{%- set ahead %}
    select min(_airbyte_extracted_at)
    from {{ ref("stg_shopify__orders") }}
    where updated_at is not null
        and json_array_length(line_items) > 0
        and _airbyte_extracted_at > (select coalesce(max(_airbyte_extracted_at), 0) from {{ ref("int_shopify__order_lines") }})
{%- endset %}

with orders as (
    {# An order that was deleted before it was first read has no updated_at: there is nothing to tell of it. #}
    {{ lakekit.dedupe(
        ref("stg_shopify__orders"),
        key="order_id",
        order_by="updated_at desc, _airbyte_extracted_at desc",
        where="updated_at is not null and " ~ lakekit.is_new()
            ~ " and coalesce(_airbyte_extracted_at < (" ~ ahead ~ "), true)"
    ) }}
),

lines as (
    select
        order_id,
        sum(quantity) as units,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(tax_amount) as tax_amount,
        sum(shop_gross_amount) as shop_gross_amount,
        sum(shop_discount_amount) as shop_discount_amount,
        sum(shop_tax_amount) as shop_tax_amount
    from {{ ref("int_shopify__order_lines") }}
    where order_id in (select order_id from orders)
    group by order_id
)

select
    orders.order_id,
    orders.order_name,
    orders.customer_id,
    {{ clean_email("orders.email") }} as email,
    orders.created_at,
    orders.updated_at,
    {{ shop_date("orders.created_at") }} as order_date,
    orders.currency,
    orders.shop_currency,
    orders.financial_status,
    orders.taxes_included,
    orders.is_test,
    orders.cancelled_at is not null as is_cancelled,
    orders.cancelled_at,
    orders.deleted_at is not null as is_deleted,
    not orders.is_test and orders.cancelled_at is null and orders.deleted_at is null as is_sale,
    coalesce(lines.units, 0) as units,
    cast(coalesce(lines.gross_amount, 0) as decimal(18, 2)) as gross_amount,
    cast(coalesce(lines.discount_amount, 0) as decimal(18, 2)) as discount_amount,
    cast(coalesce(lines.tax_amount, 0) as decimal(18, 2)) as tax_amount,
    orders.shipping_amount,
    orders.total_amount,
    cast(coalesce(lines.shop_gross_amount, 0) as decimal(18, 2)) as shop_gross_amount,
    cast(coalesce(lines.shop_discount_amount, 0) as decimal(18, 2)) as shop_discount_amount,
    cast(coalesce(lines.shop_tax_amount, 0) as decimal(18, 2)) as shop_tax_amount,
    orders.shop_shipping_amount,
    orders.shop_total_amount,
    orders._airbyte_extracted_at
from orders
left join lines on orders.order_id = lines.order_id
