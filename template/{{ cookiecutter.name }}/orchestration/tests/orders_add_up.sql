-- lines + tax + shipping − discounts = total, in both currencies, for every order that has its lines
select orders.*
from {{ ref("int_shopify__orders") }} as orders
where orders.order_id in (select order_id from {{ ref("int_shopify__order_lines") }})
    and (
        gross_amount + tax_amount + shipping_amount - discount_amount <> total_amount
        or shop_gross_amount + shop_tax_amount + shop_shipping_amount - shop_discount_amount <> shop_total_amount
    )
