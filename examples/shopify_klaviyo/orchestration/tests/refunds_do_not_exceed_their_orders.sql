-- goods refunded <= goods sold
select
    orders.order_id,
    max(orders.gross_amount - orders.discount_amount) as sold,
    sum(refunds.refund_amount) as refunded
from {{ ref("int_shopify__refunds") }} as refunds
inner join {{ ref("int_shopify__orders") }} as orders on refunds.order_id = orders.order_id
group by orders.order_id
having sum(refunds.refund_amount) > max(orders.gross_amount - orders.discount_amount)
