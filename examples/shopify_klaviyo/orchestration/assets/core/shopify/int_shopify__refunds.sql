{{ config(unique_key="refund_id", merge_cursor="refunded_at") }}

with refunds as (
    {{ lakekit.dedupe(
        ref("stg_shopify__order_refunds"),
        key="refund_id",
        order_by="refunded_at desc, _airbyte_extracted_at desc",
        where=lakekit.is_new()
    ) }}
),

lines as (
    select
        refunds.refund_id,
        max(json_extract_scalar(item.line, '$.subtotal_set.presentment_money.currency_code')) as currency,
        sum(cast(json_extract_scalar(item.line, '$.quantity') as bigint)) as units,
        sum({{ money("item.line", "presentment_money", "$.subtotal_set") }}) as refund_amount,
        sum({{ money("item.line", "presentment_money", "$.total_tax_set") }}) as tax_amount,
        sum({{ money("item.line", "shop_money", "$.subtotal_set") }}) as shop_refund_amount
    from refunds
    cross join unnest(cast(json_parse(refunds.refund_line_items) as array(json))) as item (line)
    group by refunds.refund_id
)

select
    refunds.refund_id,
    refunds.order_id,
    refunds.refunded_at,
    {{ shop_date("refunds.refunded_at") }} as refund_date,
    lines.currency,
    coalesce(lines.units, 0) as units,
    cast(coalesce(lines.refund_amount, 0) as decimal(18, 2)) as refund_amount,
    cast(coalesce(lines.tax_amount, 0) as decimal(18, 2)) as tax_amount,
    cast(coalesce(lines.shop_refund_amount, 0) as decimal(18, 2)) as shop_refund_amount,
    refunds._airbyte_extracted_at
from refunds
left join lines on refunds.refund_id = lines.refund_id
