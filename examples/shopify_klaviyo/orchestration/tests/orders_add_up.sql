-- lines + tax + shipping − discounts = total, in both currencies, for every order that has its lines;
-- where prices include the tax, it is in the lines already
select orders.*
from {{ ref("int_shopify__orders") }} as orders
where orders.order_id in (select order_id from {{ ref("int_shopify__order_lines") }})
    and (
        gross_amount + case when taxes_included then 0 else tax_amount end + shipping_amount - discount_amount
        <> total_amount
        or shop_gross_amount + case when taxes_included then 0 else shop_tax_amount end
        + shop_shipping_amount - shop_discount_amount <> shop_total_amount
    )
