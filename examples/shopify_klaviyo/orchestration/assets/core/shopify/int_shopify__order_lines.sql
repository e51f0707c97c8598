{{ config(unique_key="order_line_id", merge_cursor="updated_at", merge_scope="order_id") }}

with orders as (
    {# An order that was deleted before it was first read has no updated_at: there is nothing to tell of it. #}
    {{ lakekit.dedupe(
        ref("stg_shopify__orders"),
        key="order_id",
        order_by="updated_at desc, _airbyte_extracted_at desc",
        where="updated_at is not null and " ~ lakekit.is_new()
    ) }}
),

{# An order without lines has one row of nothing, by which the merge knows that it has lost those it had. #}
lines as (
    select
        orders.order_id,
        orders.currency,
        orders.updated_at,
        orders._airbyte_extracted_at,
        item.line,
        item.line_number,
        cast(json_extract_scalar(item.line, '$.quantity') as bigint) as quantity,
        {{ money("item.line", "presentment_money", "$.price_set") }} as unit_price,
        {{ money("item.line", "shop_money", "$.price_set") }} as shop_unit_price
    from orders
    left join unnest(cast(json_parse(orders.line_items) as array(json))) with ordinality as item (line, line_number) on true
),

{# A line has several discounts, or none; and several taxes, or none. #}
discounts as (
    select
        lines.order_id,
        lines.line_number,
        sum({{ money("discount.allocation", "presentment_money", "$.amount_set") }}) as amount,
        sum({{ money("discount.allocation", "shop_money", "$.amount_set") }}) as shop_amount
    from lines
    cross join unnest(cast(json_extract(lines.line, '$.discount_allocations') as array(json))) as discount (allocation)
    group by lines.order_id, lines.line_number
),

taxes as (
    select
        lines.order_id,
        lines.line_number,
        sum({{ money("tax.tax_line", "presentment_money", "$.price_set") }}) as amount,
        sum({{ money("tax.tax_line", "shop_money", "$.price_set") }}) as shop_amount
    from lines
    cross join unnest(cast(json_extract(lines.line, '$.tax_lines') as array(json))) as tax (tax_line)
    group by lines.order_id, lines.line_number
)

select
    cast(json_extract_scalar(lines.line, '$.id') as bigint) as order_line_id,
    lines.order_id,
    lines.line_number,
    cast(json_extract_scalar(lines.line, '$.product_id') as bigint) as product_id,
    cast(json_extract_scalar(lines.line, '$.variant_id') as bigint) as variant_id,
    json_extract_scalar(lines.line, '$.sku') as sku,
    json_extract_scalar(lines.line, '$.title') as title,
    lines.quantity,
    lines.currency,
    lines.unit_price,
    cast(lines.unit_price * lines.quantity as decimal(18, 2)) as gross_amount,
    cast(coalesce(discounts.amount, 0) as decimal(18, 2)) as discount_amount,
    cast(coalesce(taxes.amount, 0) as decimal(18, 2)) as tax_amount,
    cast(lines.shop_unit_price * lines.quantity as decimal(18, 2)) as shop_gross_amount,
    cast(coalesce(discounts.shop_amount, 0) as decimal(18, 2)) as shop_discount_amount,
    cast(coalesce(taxes.shop_amount, 0) as decimal(18, 2)) as shop_tax_amount,
    lines.updated_at,
    lines._airbyte_extracted_at
from lines
left join discounts on lines.order_id = discounts.order_id and lines.line_number = discounts.line_number
left join taxes on lines.order_id = taxes.order_id and lines.line_number = taxes.line_number
{%- if not is_incremental() %}
where lines.line is not null
{%- endif %}
